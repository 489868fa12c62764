import assert from "node:assert/strict";
import {
  type LocalWorker,
  type RequestOptions,
  startWorkers,
  type WorkerConfig,
} from "../../harness/start.ts";

/** What the runtime makes of a batch its queue handler has seen. */
export interface QueueResult {
  readonly outcome: string;
  readonly ackAll: boolean;
  readonly retryBatch: { readonly retry: boolean; readonly delaySeconds?: number };
  readonly explicitAcks: readonly string[];
  readonly retryMessages: readonly { readonly msgId: string; readonly delaySeconds?: number }[];
}

export interface KvWrite {
  readonly unixMs: number;
  readonly version: number;
}

/** An address of tests/workerd/apps/metrics_aggregate, with parameters. */
export type Parameters = Readonly<Record<string, string | number>>;

/** The Worker of tests/workerd/apps/metrics_aggregate. */
export interface MetricsApp {
  readonly worker: LocalWorker;
  /** Asks a route and answers its JSON; throws what it failed with. */
  ask<T>(path: string, parameters?: Parameters, body?: unknown): Promise<T>;
  scrape(parameters: Parameters, options?: RequestOptions): Promise<Response>;
  /** The same in another isolate. */
  scrapeElsewhere(parameters: Parameters): Promise<Response>;
  /** The samples of the newest totals, straight from the Durable Object. */
  totals(parameters?: Parameters): Promise<Map<string, number>>;
  evict(object?: string, binding?: string): Promise<void>;
}

const name = "metrics_aggregate";

const main = `tests/workerd/apps/${name}/index.ts`;
const kvNamespaces = [
  { binding: "TELEMETRY_KV", id: "telemetry" },
  { binding: "SHORT_KV", id: "short" },
];

const app: WorkerConfig = {
  name,
  main,
  compatibility_flags: ["nodejs_compat", "service_binding_extra_handlers"],
  services: [{ binding: "SELF", service: name }],
  durable_objects: {
    bindings: [
      { name: "FAULTY", class_name: "FaultyAggregator" },
      { name: "SHORT", class_name: "ShortGauges" },
      { name: "ARCHIVING", class_name: "Archiving" },
    ],
  },
  migrations: [{ tag: "v1", new_sqlite_classes: ["FaultyAggregator", "ShortGauges", "Archiving"] }],
  kv_namespaces: kvNamespaces,
  queues: {
    producers: [
      { binding: "TELEMETRY_QUEUE", queue: "telemetry-2" },
      { binding: "HASTY_QUEUE", queue: "telemetry-1" },
    ],
    consumers: [
      { queue: "telemetry-2", max_batch_timeout: 1, max_retries: 5 },
      {
        queue: "telemetry-1",
        max_batch_timeout: 0,
        max_retries: 0,
        dead_letter_queue: "telemetry-1-dlq",
      },
      { queue: "telemetry-1-dlq", max_batch_timeout: 0 },
    ],
  },
};

/** Scrapes the same aggregators. */
const elsewhere: WorkerConfig = {
  name: "elsewhere",
  main,
  durable_objects: {
    bindings: [
      { name: "FAULTY", class_name: "FaultyAggregator", script_name: name },
      { name: "SHORT", class_name: "ShortGauges", script_name: name },
      { name: "ARCHIVING", class_name: "Archiving", script_name: name },
    ],
  },
  kv_namespaces: kvNamespaces,
};

export async function startMetricsApp(): Promise<MetricsApp> {
  const worker = await startWorkers([app, elsewhere]);
  const address = (path: string, parameters: Parameters) => {
    const search = new URLSearchParams(
      Object.entries(parameters).map(([name, value]) => [name, String(value)]),
    );
    return `${path}?${search}`;
  };
  const scrape = (parameters: Parameters, options: RequestOptions = {}) =>
    worker.fetch(address("/metrics", parameters), options);
  return {
    worker,
    scrape,
    scrapeElsewhere: (parameters) => worker.fetchFrom("elsewhere", address("/metrics", parameters)),
    async ask<T>(path: string, parameters: Parameters = {}, body?: unknown): Promise<T> {
      const options =
        body === undefined
          ? {}
          : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) };
      const response = await worker.fetch(address(path, parameters), options);
      const text = await response.text();
      if (response.status !== 200) throw new Error(text);
      return JSON.parse(text) as T;
    },
    async totals(parameters = {}) {
      const response = await scrape({ public: 1, source: "durable-object", ...parameters });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return samplesOf(text);
    },
    evict: (object = "isotel-0", binding = "FAULTY") => worker.evict(binding, object),
  };
}

/** The samples of an exposition in text, by name and labels. */
export function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

/** Frames on their way into a request. */
export function base64(frame: Uint8Array): string {
  return Buffer.from(frame).toString("base64");
}
