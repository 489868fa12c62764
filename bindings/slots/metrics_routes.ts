import { sharedSlot } from "../base/shared.ts";
import type { MetricsBindings } from "../metrics/worker_options.ts";

/** Handles scrapes and batches of the telemetry queue for a Worker. */
export interface MetricsRoutes {
  /** Returns the response to a scrape, or undefined if the request is not a scrape. */
  scrape(
    request: Request,
    metrics: MetricsBindings,
    ctx: ExecutionContext,
  ): Promise<Response> | undefined;
  /** Consumes the telemetry of a batch. Returns undefined if the batch has none. */
  consume(batch: MessageBatch, metrics: MetricsBindings): ConsumedBatch | undefined;
}

export interface ConsumedBatch {
  /** Settles when the telemetry is consumed. Never rejects. */
  readonly consumed: Promise<void>;
  /** The messages that are not telemetry, as a batch. Undefined if all messages are telemetry. */
  readonly rest: MessageBatch | undefined;
}

const slot = sharedSlot<MetricsRoutes>("metrics routes");

/** Called by the module with the aggregator. A Worker that only records does not carry that code. */
export function provideMetricsRoutes(provided: MetricsRoutes): void {
  slot.value = provided;
}

export function metricsRoutes(): MetricsRoutes | undefined {
  return slot.value;
}
