import type { MetricsBindings } from "./telemetry_options.ts";

/** What a Worker does with scrapes and with the batches of the telemetry queue. */
export interface MetricsRoutes {
  /** The answer to a scrape; undefined when the request is none. */
  scrape(
    request: Request,
    metrics: MetricsBindings,
    ctx: ExecutionContext,
  ): Promise<Response> | undefined;
  /**
   * Takes what is telemetry of a batch; undefined when nothing is.
   *
   * @param hasHandler whether the Worker has a handler for the rest. Without one the whole batch is telemetry when a
   * part of it is.
   */
  consume(
    batch: MessageBatch,
    metrics: MetricsBindings,
    hasHandler: boolean,
  ): ConsumedBatch | undefined;
}

export interface ConsumedBatch {
  /** Never rejects. */
  readonly consumed: Promise<void>;
  /** The messages that are not telemetry; undefined when all are. */
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
