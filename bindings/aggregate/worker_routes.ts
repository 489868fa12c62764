import type { MetricsRoutes } from "../invocation/metrics_routes.ts";
import type { MetricsBindings } from "../invocation/telemetry_options.ts";
import { bytesOf } from "./bytes.ts";
import { consumeTelemetry, retryAll } from "./consume_telemetry.ts";
import { metricsResponse } from "./metrics_response.ts";

/** Appended to the name of a queue by convention: its dead letter queue. */
const deadLetters = "-dlq";

/** What withTelemetry does with scrapes and the telemetry queue of a Worker that carries the aggregating part. */
export const workerRoutes: MetricsRoutes = {
  scrape(request, metrics) {
    const { aggregator, kv, scrapePath = "/metrics" } = metrics;
    if (aggregator === undefined && kv === undefined) return undefined;
    return new URL(request.url).pathname === scrapePath
      ? metricsResponse(request, metrics)
      : undefined;
  },

  consume(batch, metrics) {
    if (!isTelemetry(batch, metrics)) return undefined;
    const { aggregator, shards } = metrics;
    if (aggregator !== undefined) {
      return consumeTelemetry(batch, { aggregator, ...(shards !== undefined && { shards }) });
    }
    console.error(
      `isotel: the queue ${batch.queue} brings metrics, and there is no aggregator to add them up. ` +
        "Give withTelemetry the namespace of TelemetryAggregator as metrics.aggregator.",
    );
    retryAll(batch.messages);
    return Promise.resolve();
  },
};

function isTelemetry({ queue, messages }: MessageBatch, { queueName }: MetricsBindings): boolean {
  if (queueName !== undefined) return queue === queueName || queue === queueName + deadLetters;
  return messages.length > 0 && messages.every(({ body }) => bytesOf(body) !== undefined);
}
