import type { Preset } from "./preset.ts";
import type { Settings } from "./settings.ts";

const sites = [
  "datadoghq.com",
  "us3.datadoghq.com",
  "us5.datadoghq.com",
  "datadoghq.eu",
  "ap1.datadoghq.com",
  "ap2.datadoghq.com",
] as const;

/** Requests above are answered with 413. */
const maxTracesBytes = 3_200_000;
const maxMetricsBytes = 500_000;

/** https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/ */
export function datadog(settings: Settings): Preset {
  const apiKey = settings.neededHeader("apiKey", "DD_API_KEY");
  const site = settings.choice(
    "site (the option site or the variable DD_SITE)",
    settings.text("site", "DD_SITE"),
    sites,
    "datadoghq.com",
  );
  const intake = settings.choice(
    "intake",
    settings.option("intake"),
    ["generic", "cloudflare"],
    "generic",
  );
  const source = settings.optionalHeader("source") ?? site;
  const host = intake === "cloudflare" ? `cloudflare.integrations.otlp.${site}` : `otlp.${site}`;
  return {
    base: { what: "site", address: `https://${host}` },
    headers: { "dd-api-key": apiKey },
    signals: {
      traces: {
        maxBytes: maxTracesBytes,
        headers: intake === "cloudflare" ? {} : { "dd-otlp-source": source },
      },
      metrics: {
        maxBytes: maxMetricsBytes,
        // Or the series of two aggregators would be one there.
        headers: { "dd-otel-metric-config": '{"resource_attributes_as_tags":true}' },
      },
    },
    temporality: "delta",
  };
}
