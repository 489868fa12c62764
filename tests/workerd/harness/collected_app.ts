import assert from "node:assert/strict";
import type { CollectedEvent } from "../../harness/spans.ts";
import {
  type LocalWorker,
  startWorkers,
  streamingTailConsumers,
  type WorkerConfig,
} from "../../harness/start.ts";
import { collectorConfig, collectorName } from "./collector_config.ts";
import { samplesOf } from "./metrics_app.ts";

const scrapeToken = "collected";

/** The Workers of tests/workerd/apps/collected, followed by the Worker of worker/collector and by the harness's own. */
export interface CollectedApp {
  readonly worker: LocalWorker;
  /** Every event the runtime has sent since the last call, as it sent it. */
  takeEvents(): Promise<CollectedEvent[]>;
  /** What the collector's isolate has counted; only with `tellsCounts`. */
  diagnostics(): Promise<Record<string, number>>;
  /** The samples of the collector's `/metrics`. */
  scrape(): Promise<Map<string, number>>;
}

export interface CollectedOptions {
  /** Variables of the collector; its spans go to `endpoint`. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Of the collector, besides what its own wrangler.jsonc says. */
  readonly config?: WorkerConfig;
  /** Starts tests/workerd/apps/collecting, which is the same Worker with one route more. */
  readonly tellsCounts?: boolean;
}

/** @param endpoint of a local OTLP receiver. */
export async function startCollected(
  endpoint: string,
  { vars = {}, config = {}, tellsCounts = false }: CollectedOptions = {},
): Promise<CollectedApp> {
  process.env["X_LOCAL_OBSERVABILITY"] = "true";
  const tails = [{ service: collectorName }, ...streamingTailConsumers];
  const shop: WorkerConfig = {
    name: "shop",
    main: "tests/workerd/apps/collected/index.ts",
    streaming_tail_consumers: tails,
    kv_namespaces: [{ binding: "SHOP_KV", id: "shop" }],
    queues: {
      producers: [{ binding: "SHIPPING", queue: "shipping" }],
      consumers: [{ queue: "shipping", max_batch_size: 1, max_batch_timeout: 0 }],
    },
    durable_objects: { bindings: [{ name: "BASKET", class_name: "Basket" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["Basket"] }],
    services: [
      { binding: "STOCK", service: "stock" },
      { binding: "PROVIDER", service: "stock", entrypoint: "ScriptedProvider" },
    ],
  };
  const stock: WorkerConfig = {
    name: "stock",
    main: "tests/workerd/apps/collected/stock.ts",
    streaming_tail_consumers: tails,
  };
  const example = collectorConfig(endpoint, scrapeToken);
  const collector: WorkerConfig = {
    ...example,
    ...(tellsCounts && { main: "tests/workerd/apps/collecting/index.ts" }),
    ...config,
    vars: { ...example["vars"], ...vars },
  };
  const worker = await startWorkers([shop, stock, collector]);
  return {
    worker,
    takeEvents: async () =>
      (await worker.fetchFrom("collector", "/take")).json() as Promise<CollectedEvent[]>,
    diagnostics: async () => {
      const response = await worker.fetchFrom(collectorName, "/diagnostics");
      return (await response.json()) as Record<string, number>;
    },
    async scrape() {
      const headers = { authorization: `Bearer ${scrapeToken}` };
      const response = await worker.fetchFrom(collectorName, "/metrics", { headers });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return samplesOf(text);
    },
  };
}
