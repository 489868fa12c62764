import type { Signal } from "./backend.ts";
import type { Preset } from "./preset.ts";
import type { Settings } from "./settings.ts";

/**
 * Any OTLP receiver. The standard variables for endpoint and headers belong together and name one receiver: the
 * presets do not read them, or one vendor's key would be sent to another.
 */
export function custom(settings: Settings): Preset {
  const what = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const address = settings.variable(what);
  return {
    base: address === undefined ? undefined : { what, address },
    headers: settings.headersOf("OTEL_EXPORTER_OTLP_HEADERS"),
    signals: {
      traces: { headers: settings.headersOf(headersVariable("traces")) },
      logs: { headers: settings.headersOf(headersVariable("logs")) },
      metrics: { headers: settings.headersOf(headersVariable("metrics")) },
    },
  };
}

function headersVariable(signal: Signal): string {
  return `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_HEADERS`;
}
