import { report } from "../core/report_once.ts";
import {
  type ExportHost,
  type MetricsExport,
  metricsExport,
} from "../invocation/metrics_export.ts";
import type { MetricsExportOptions } from "../otlp/metrics_export/read_metrics_options.ts";
import { errorType } from "../trace/cause.ts";

/** The export an aggregator has asked for. What is wrong is told, and everything else goes on without it. */
export function makeExport(
  otlp: ((env: never) => MetricsExportOptions | undefined) | undefined,
  env: unknown,
  host: ExportHost,
): MetricsExport | undefined {
  if (otlp === undefined) return undefined;
  const make = metricsExport();
  if (make === undefined) {
    report(
      'isotel: TelemetryAggregator has the option otlp, but this Worker does not carry it. Add import "isotel/otlp/metrics";',
    );
    return undefined;
  }
  try {
    const options = otlp(env as never);
    return options === undefined ? undefined : make(options, env, host);
  } catch (cause) {
    const isOurs = cause instanceof TypeError && cause.message.startsWith("isotel: ");
    report(
      isOurs
        ? cause.message
        : `isotel: the option otlp cannot be read (${errorType(cause)}); nothing is sent over OTLP.`,
    );
    return undefined;
  }
}
