import type { MetricsRoutes } from "../invocation/metrics_routes.ts";
import type { MetricsBindings } from "../invocation/telemetry_options.ts";
import { bytesOf } from "./bytes.ts";
import { consumeTelemetry } from "./consume_telemetry.ts";
import { metricsResponse } from "./metrics_response.ts";

/** Appended to the name of a queue by convention: its dead letter queue. */
const deadLetters = "-dlq";
/** What a frame begins with. */
const magic = [0x49, 0x53, 0x46];

/** What withTelemetry does with scrapes and the telemetry queue of a Worker that carries the aggregating part. */
export const workerRoutes: MetricsRoutes = {
  scrape(request, metrics) {
    const { aggregator, kv, scrapeToken, public: isPublic, source } = metrics;
    const isScraped = [aggregator, kv, scrapeToken, isPublic, source].some(
      (option) => option !== undefined,
    );
    const { pathname } = new URL(request.url);
    if (!isScraped || pathname !== (metrics.scrapePath ?? "/metrics")) return undefined;
    return metricsResponse(request, metrics);
  },

  consume(batch, metrics) {
    return isTelemetry(batch, metrics) ? consumeTelemetry(batch, metrics) : undefined;
  },
};

/** A batch without a single frame may be anything: where the queue has no name to be known by, it is the user's. */
function isTelemetry({ queue, messages }: MessageBatch, { queueName }: MetricsBindings): boolean {
  if (queueName !== undefined) return queue === queueName || queue === queueName + deadLetters;
  const bodies = messages.map(({ body }) => bytesOf(body));
  return bodies.every((bytes) => bytes !== undefined) && bodies.some(isFrame);
}

function isFrame(bytes: Uint8Array | undefined): boolean {
  return magic.every((byte, index) => bytes?.[index] === byte);
}
