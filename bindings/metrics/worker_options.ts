import type { AggregatorNamespace, KVNamespace, Queue } from "../base/runtime_types.ts";
import type { GenAiMetricsOptions } from "./genai_options.ts";
import type { LabelValue } from "./labels.ts";

/** How metrics are sent, aggregated and read. The bindings come from the Worker's `env`. */
export interface MetricsBindings {
  /** The queue that carries frames to its consumer, which adds them up. */
  readonly queue?: Queue;
  /** The namespace of the Durable Object `TelemetryAggregator`. */
  readonly aggregator?: AggregatorNamespace;
  /** The KV namespace in which the aggregator publishes its snapshots. */
  readonly kv?: KVNamespace;
  /**
   * The token that a scraper sends as `Authorization: Bearer TOKEN`. Without it, and without `public`, scrapes are
   * refused.
   */
  readonly scrapeToken?: string;
  /**
   * The token of a request that removes metrics, as `Authorization: Bearer TOKEN`. Without it, no request removes
   * metrics.
   */
  readonly adminToken?: string;
  /** Whether scrapes need no token if `scrapeToken` is not set. Default: false. */
  readonly public?: boolean;
  /** The path of the scrape endpoint. Default: `/metrics`. */
  readonly scrapePath?: string;
  /** The scheme of the `Authorization` header. Default: `Bearer`. */
  readonly scheme?: string;
  /** The origin that may read the scrape from a browser, or `*`. Default: none. */
  readonly cors?: string;
  /** Where a scrape reads the metrics. Default: `kv` if that binding is set, otherwise `durable-object`. */
  readonly source?: "kv" | "durable-object";
  /** Number of aggregators that share the work, 1 to 256. Default: 1. It may grow at any time. */
  readonly shards?: number;
  /**
   * Whether this Worker records metrics. Set it to false for a Worker that only adds up and serves the metrics of
   * others. Such a Worker does not need to import `isotel/metrics`. Default: true.
   */
  readonly record?: boolean;
  /** How frames are sent. Default: `aggregator` if only that binding is set, otherwise `queue`. */
  readonly transport?: "queue" | "aggregator";
  /** Milliseconds between two flushes of an isolate, 100 to 20,000. Default: 10,000. */
  readonly flushIntervalMs?: number;
  /**
   * The name of the telemetry queue. All its messages then count as telemetry. Without it, messages are recognized by
   * their content.
   */
  readonly queueName?: string;
  /** Returns `http.route` of a request, such as `/users/:id`. Never return the path: it has too many values. */
  readonly route?: (request: Request) => string | undefined;
  /**
   * Names and values of labels that every series of this Worker has, at most 8. They tell Workers apart that share an
   * aggregator. A metric's own label of the same name wins. Default: none.
   */
  readonly constantLabels?: Readonly<Record<string, LabelValue>>;
  /**
   * Limit of distinct values that an isolate keeps of each label of a built-in metric that the Worker's users may
   * choose, such as a model, 1 to 500. Further values are `_OTHER`. Default: 100.
   */
  readonly maxLabelValues?: number;
  /**
   * Options for the metrics of AI SDK calls, which are recorded whether or not the calls are traced. False disables
   * them.
   */
  readonly genAi?: GenAiMetricsOptions | false;
}

/** Logs a message for the operator of the Worker. */
export type Report = (message: string) => void;
