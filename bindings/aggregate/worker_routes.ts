import { bytesOf } from "../base/bytes.ts";
import type { MetricsRoutes } from "../slots/metrics_routes.ts";
import { consumeTelemetry } from "./consume_telemetry.ts";
import { metricsResponse } from "./metrics_response.ts";

/** The first bytes of a frame. */
const magic = [0x49, 0x53, 0x46];

/** Serves scrapes and consumes the telemetry queue for withTelemetry in a Worker that imports the aggregator. */
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
 * Returns whether bytes are a frame of any version, even a damaged one. Because frames can be recognized, the queue
 * needs no configured name, and a dead letter queue can also contain messages of the Worker. The byte after the magic
 * bytes distinguishes a frame from text: a version is a control character other than white space, see
 * SNAPSHOT_FORMAT.md.
 */
function isFrame(bytes: Uint8Array | undefined): boolean {
  const version = bytes?.[magic.length] ?? 0;
  const isVersion = version > 0 && version < 0x20 && !(version >= 0x09 && version <= 0x0d);
  return isVersion && magic.every((byte, index) => bytes?.[index] === byte);
}

/**
 * Returns a batch with some of the messages. `ackAll` and `retryAll` of the runtime decide about all messages of the
 * batch. The methods of the returned batch therefore decide about each message separately. The runtime keeps the first
 * decision about a message, so the result is the same except for delays. Therefore `retryAll` skips messages that were
 * retried individually, and without a delay it uses the delay of an earlier `retryAll`.
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
