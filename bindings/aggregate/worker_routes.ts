import { bytesOf } from "../base/bytes.ts";
import type { MetricsRoutes } from "../slots/metrics_routes.ts";
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

  consume(batch, metrics) {
    const isNamed = batch.queue === metrics.queueName;
    const isTelemetry = ({ body }: Message) => isNamed || isFrame(bytesOf(body));
    const frames = batch.messages.filter(isTelemetry);
    if (frames.length === 0) return undefined;
    if (frames.length === batch.messages.length) {
      return { consumed: consumeTelemetry(batch, metrics), rest: undefined };
    }
    const others = batch.messages.filter((message) => !isTelemetry(message));
    return {
      consumed: consumeTelemetry(partOf(batch, frames), metrics),
      rest: partOf(batch, others),
    };
  },
};

/**
 * Whether bytes are a frame of any version, damaged or not. So no queue has to be named, and a dead letter queue may be
 * shared with messages of the Worker's own. The byte after the magic letters tells a frame from text: versions are
 * control characters other than white space, see SNAPSHOT_FORMAT.md.
 */
function isFrame(bytes: Uint8Array | undefined): boolean {
  const version = bytes?.[magic.length] ?? 0;
  const isVersion = version > 0 && version < 0x20 && !(version >= 0x09 && version <= 0x0d);
  return isVersion && magic.every((byte, index) => bytes?.[index] === byte);
}

/**
 * The batch with these messages alone. The runtime's own `ackAll` and `retryAll` decide about every message of the batch,
 * so these call each message. The runtime keeps the first decision about a message, which gives the same result except
 * for delays. Therefore `retryAll` leaves alone the messages that were retried by themselves, and without a delay it keeps
 * that of an earlier `retryAll`.
 */
function partOf(batch: MessageBatch, messages: readonly Message[]): MessageBatch {
  const retries = messages.map((message) => {
    const retry = message.retry.bind(message);
    const state = { isOwn: false, retry };
    Object.defineProperty(message, "retry", {
      value: (options?: QueueRetryOptions) => {
        state.isOwn = true;
        retry(options);
      },
      configurable: true,
      writable: true,
    });
    return state;
  });
  let delay: QueueRetryOptions = {};
  return {
    queue: batch.queue,
    metadata: batch.metadata,
    messages,
    ackAll() {
      for (const message of messages) message.ack();
    },
    retryAll(options) {
      if (options?.delaySeconds !== undefined) delay = options;
      for (const { isOwn, retry } of retries) if (!isOwn) retry(delay);
    },
  };
}
