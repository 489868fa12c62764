import type { MetricsBindings } from "../invocation/telemetry_options.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";
import type { Redact } from "./redaction.ts";

/** How a collector measures what it sees, and where the metrics go. */
export interface CollectorMetrics extends MetricsBindings {
  /**
   * Also measures requests and GenAI calls of Workers that record metrics by themselves, as `withTelemetry` does with
   * `metrics`. False unless given: both would count the same call.
   */
  readonly measuresAgain?: boolean;
}

/** What a collector does with the events it gets. */
export interface CollectorOptions {
  /** Where spans and log records go; the service is that of each Worker, `serviceName` for one without a name. */
  readonly otlp?: OtlpOptions;
  /** Where the metrics of spans go, and how they are read. */
  readonly metrics?: CollectorMetrics;
  /**
   * Changes every text before it leaves: attributes, lines of logs, messages of errors. Undefined leaves it out, and so
   * does a throw, which is counted.
   */
  readonly redact?: Redact;
  /** Services that are left alone. */
  readonly exclude?: readonly string[];
  /** Milliseconds from the end of an invocation to the request with its spans, 0 to 20,000; 1,000 unless given. */
  readonly flushDelayMs?: number;
}
