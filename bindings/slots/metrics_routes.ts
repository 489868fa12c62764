import type { MetricsBindings } from "../metrics/worker_options.ts";

/** What a Worker does with scrapes and with the batches of the telemetry queue. */
export interface MetricsRoutes {
  /** The answer to a scrape; undefined when the request is none. */
  scrape(
    request: Request,
    metrics: MetricsBindings,
    ctx: ExecutionContext,
  ): Promise<Response> | undefined;
  /** Consumes the telemetry of a batch. Returns undefined when the batch has none. */
  consume(batch: MessageBatch, metrics: MetricsBindings): ConsumedBatch | undefined;
}

export interface ConsumedBatch {
  /** Never rejects. */
  readonly consumed: Promise<void>;
  /** The messages that are not telemetry, as a batch. Undefined when all are telemetry. */
  readonly rest: MessageBatch | undefined;
}

let routes: MetricsRoutes | undefined;

/** Filled by the aggregating part when a Worker carries it: one that only records does without its code. */
export function provideMetricsRoutes(provided: MetricsRoutes): void {
  routes = provided;
}

export function metricsRoutes(): MetricsRoutes | undefined {
  return routes;
}
