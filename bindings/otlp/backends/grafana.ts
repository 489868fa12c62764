import type { Preset } from "./preset.ts";
import type { Settings } from "./settings.ts";

/** https://grafana.com/docs/grafana-cloud/send-data/otlp/ */
export function grafana(settings: Settings): Preset {
  const instanceId = settings.neededHeader("instanceId", "GRAFANA_USER_ID");
  const token = settings.neededHeader("token", "GRAFANA_API_KEY");
  return {
    base: baseOf(settings),
    headers: { authorization: `Basic ${base64(`${instanceId}:${token}`)}` },
  };
}

function baseOf(settings: Settings): Preset["base"] {
  const zone = settings.text("zone");
  const isOverridden = settings.option("endpoint") !== undefined;
  if (zone === undefined) {
    const variable = "GRAFANA_OTLP_ENDPOINT";
    const address = settings.variable(variable);
    if (address !== undefined) return { what: variable, address };
    if (!isOverridden) {
      settings.refuse(
        `endpoint is missing: give the option endpoint or zone, or the variable ${variable}`,
      );
    }
    return undefined;
  }
  if (!/^[0-9a-z-]+$/.test(zone)) {
    settings.refuse("zone has to be that of the stack, such as prod-us-east-0");
    return undefined;
  }
  return { what: "zone", address: `https://otlp-gateway-${zone}.grafana.net/otlp` };
}

/** Of UTF-8: what btoa takes are bytes. */
function base64(text: string): string {
  return btoa(
    Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""),
  );
}
