import type { MetricsRoutes } from "../invocation/metrics_routes.ts";
import { bytesOf } from "./bytes.ts";
import { consumeTelemetry } from "./consume_telemetry.ts";
import { metricsResponse } from "./metrics_response.ts";

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

  consume(batch, metrics, hasHandler) {
    const isNamed = batch.queue === metrics.queueName;
    const isTelemetry = ({ body }: Message) => isNamed || isFrame(bytesOf(body));
    const frames = batch.messages.filter(isTelemetry);
    if (frames.length === 0) return undefined;
    if (frames.length === batch.messages.length || !hasHandler) {
      return { consumed: consumeTelemetry(batch, metrics), rest: undefined };
    }
    const others = batch.messages.filter((message) => !isTelemetry(message));
    return {
      consumed: consumeTelemetry(partOf(batch, frames), metrics),
      rest: partOf(batch, others),
    };
  },
};

/** Text never has such a character behind the letters; format versions stay below it. */
const firstPrintable = 0x20;

/**
 * Whether a message is a frame of any version, damaged or not. So no queue has to be named, and a dead letter queue may
 * be shared with messages of the Worker's own.
 */
function isFrame(bytes: Uint8Array | undefined): boolean {
  const version = bytes?.[magic.length] ?? 0;
  return (
    version > 0 && version < firstPrintable && magic.every((byte, index) => bytes?.[index] === byte)
  );
}

/** The batch as if it had these messages alone. */
function partOf(batch: MessageBatch, messages: readonly Message[]): MessageBatch {
  return {
    queue: batch.queue,
    metadata: batch.metadata,
    messages,
    ackAll() {
      for (const message of messages) message.ack();
    },
    retryAll(options) {
      for (const message of messages) message.retry(options);
    },
  };
}
