import type { GenAiMetricsOptions } from "./genai_options.ts";

/** Where metrics go and how they are read. Bindings are those of the Worker's `env`. */
export interface MetricsBindings {
  /** The queue that carries what was recorded; its consumer adds it up. */
  readonly queue?: Queue;
  /** The namespace of the Durable Object `TelemetryAggregator`. */
  // biome-ignore lint/suspicious/noExplicitAny: a namespace fits whatever class it was declared with
  readonly aggregator?: DurableObjectNamespace<any>;
  /** Where the aggregator publishes its snapshots. */
  readonly kv?: KVNamespace;
  /** What a scraper has to send as `Authorization: Bearer TOKEN`. Without it scrapes are refused. */
  readonly scrapeToken?: string;
  /** Lets anybody scrape. */
  readonly public?: boolean;
  /** The path that is scraped; `/metrics` unless given. */
  readonly scrapePath?: string;
  /** The scheme of the `Authorization` header; `Bearer` unless given. */
  readonly scheme?: string;
  /** The origin that may read the scrape from a browser, or `*`. */
  readonly cors?: string;
  /** Where a scrape reads; `kv` where there is one, unless given. */
  readonly source?: "kv" | "durable-object";
  /** How many aggregators share the work; 1 unless given. */
  readonly shards?: number;
  /** How what was recorded travels: by `queue` where there is one, unless given. */
  readonly transport?: "queue" | "aggregator";
  /** Milliseconds between two flushes of an isolate, 100 to 20,000; 10,000 unless given. */
  readonly flushIntervalMs?: number;
  /** The name of the telemetry queue, for a Worker that consumes other queues of bytes too. */
  readonly queueName?: string;
  /** The route of a request for `http.route`, such as `/users/:id`; never the path itself, which has no bounds. */
  readonly route?: (request: Request) => string | undefined;
  /** How calls of the AI SDK are measured, traced or not; false for not at all. */
  readonly genAi?: GenAiMetricsOptions | false;
}
