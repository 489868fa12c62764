import type { WorkerConfig } from "../../harness/start.ts";
import { readConfig } from "../../harness/start.ts";

/** The name of the Worker of worker/collector. */
export const collectorName = "isotel-collector";

/**
 * The Worker of worker/collector.
 *
 * @param endpoint of a local OTLP receiver, which its spans go to.
 * @param token what a scraper of its `/metrics` has to send.
 */
export function collectorConfig(endpoint: string, token: string): WorkerConfig {
  return {
    ...readConfig("worker/collector/wrangler.jsonc"),
    main: "worker/collector/index.ts",
    vars: {
      OTLP_BACKEND: "custom",
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      SCRAPE_TOKEN: token,
      FLUSH_INTERVAL_MS: "200",
    },
  };
}
