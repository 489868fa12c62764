import { bytesOf } from "../base/bytes.ts";
import { report, reportOnce } from "../base/report_once.ts";
import type { AggregatorNamespace, MessageBatch } from "../base/runtime_types.ts";
import { within } from "../base/time.ts";
import { ErrorCode } from "../core/abi.gen.ts";
import { errorName } from "../core/errors.ts";
import { aggregatorStub, checkShards, reportNotices, shardName } from "../metrics/shards.ts";
import { metricsRecording } from "../slots/metrics_recording.ts";
import { isolateAggregate } from "./totals/aggregate.ts";

export interface ConsumeTelemetryOptions {
  /** The namespace of TelemetryAggregator. All messages are retried while it is missing. */
  readonly aggregator?: AggregatorNamespace;
  /** Number of aggregators that share the work. Default: 1. Use one value everywhere. */
  readonly shards?: number;
}

const noAggregator =
  "isotel: `aggregator` is missing. Add to wrangler.jsonc: " +
  '"durable_objects": { "bindings": [{ "name": "TELEMETRY", "class_name": "TelemetryAggregator" }] }, ' +
  '"migrations": [{ "tag": "telemetry", "new_sqlite_classes": ["TelemetryAggregator"] }]';

const firstDelaySeconds = 5;
const maxDelaySeconds = 3600;
/**
 * Time in milliseconds after which the messages of an aggregator that has not answered are retried. The batch may also
 * contain messages of the Worker. The runtime ends an invocation after 15 minutes and would then deliver those again
 * too.
 */
const maxApplyMs = 30_000;
/**
 * From this attempt on, each message is applied in a separate call. A message that breaks the aggregator then does not
 * affect other messages.
 */
const aloneFromAttempt = 3;

/**
 * Applies the frames of a batch to the aggregators, with one call for each shard. Never rejects. Also consumes the
 * messages of a dead letter queue. Frames may arrive more than once and in any order.
 *
 * What happens to a message:
 *
 * - Its aggregator stored the frame: acknowledged.
 * - It is not a valid frame: acknowledged. The first aggregator counts it.
 * - Its frame has a newer format version, which the aggregator cannot read: retried.
 * - Its aggregator failed: retried.
 *
 * The delay of a retry grows with each attempt.
 */
export async function consumeTelemetry(
  batch: MessageBatch,
  { aggregator, shards = 1 }: ConsumeTelemetryOptions,
): Promise<void> {
  metricsRecording()?.noteTransport();
  try {
    if (aggregator === undefined) throw new TypeError(noAggregator);
    const deliveries = sort(batch.messages, checkShards(shards));
    const refused = await Promise.all(
      deliveries.map((delivery) => deliver(delivery, aggregator, shards)),
    );
    logRefused(batch.queue, refused.flat());
  } catch (cause) {
    report(`isotel: the queue ${batch.queue} cannot be consumed; its messages are retried.`, cause);
    retryAll(batch.messages);
  }
}

/** Retries messages. The delay doubles with each attempt. */
function retryAll(messages: readonly Message[]): void {
  for (const message of messages) {
    const delay = firstDelaySeconds * 2 ** (message.attempts - 1);
    message.retry({ delaySeconds: Math.min(maxDelaySeconds, delay) });
  }
}

/** The messages of one call of an aggregator. */
interface Delivery {
  readonly shard: string;
  readonly messages: Message[];
  readonly frames: Uint8Array[];
}

function sort(messages: readonly Message[], shards: number): Delivery[] {
  const aggregate = isolateAggregate();
  const deliveries = new Map<unknown, Delivery>();
  for (const message of messages) {
    const frame = bytesOf(message.body) ?? new Uint8Array();
    const shard = Math.max(0, aggregate.shardOfFrame(frame, shards));
    const key = message.attempts < aloneFromAttempt ? shard : message;
    let delivery = deliveries.get(key);
    if (delivery === undefined) {
      delivery = { shard: shardName(shard), messages: [], frames: [] };
      deliveries.set(key, delivery);
    }
    delivery.messages.push(message);
    delivery.frames.push(frame);
  }
  return [...deliveries.values()];
}

/** Returns the error codes of the refused frames. */
async function deliver(
  { shard, messages, frames }: Delivery,
  namespace: AggregatorNamespace,
  shards: number,
): Promise<number[]> {
  try {
    const stub = aggregatorStub(namespace, shard);
    const results = await within(maxApplyMs, stub.apply(frames, shards));
    messages.forEach((message, index) => {
      const result = results[index];
      if (typeof result === "number" && result !== ErrorCode.unknownVersion) message.ack();
      else retryAll([message]);
    });
    await reportNotices(stub, results);
    return results.filter((result) => result < 0);
  } catch (cause) {
    report(
      `isotel: the aggregator ${shard} did not store ${messages.length} messages; they are retried.`,
      cause,
    );
    retryAll(messages);
    return [];
  }
}

function logRefused(queue: string, codes: readonly number[]): void {
  const refused = codes.filter((code) => code !== ErrorCode.unknownVersion);
  if (refused.length < codes.length) {
    reportOnce(
      `isotel: the queue ${queue} carries metrics of a newer version of isotel than the aggregator runs. They are ` +
        "retried until that version is deployed, and then go to the dead letter queue; " +
        "isotel_frames_newer counts how often.",
    );
  }
  if (refused.length === 0) return;
  const reasons = [...new Set(refused)].map(errorName).join(", ");
  report(
    `isotel: ${refused.length} messages of the queue ${queue} were refused and counted (${reasons}).`,
  );
}
