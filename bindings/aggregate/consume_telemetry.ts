import { bytesOf } from "../base/bytes.ts";
import { report, reportOnce } from "../base/report_once.ts";
import { within } from "../base/time.ts";
import { ErrorCode } from "../core/abi.gen.ts";
import { errorName } from "../core/errors.ts";
import {
  type AggregatorNamespace,
  aggregatorStub,
  checkShards,
  shardName,
} from "../metrics/shards.ts";
import { isolateAggregate } from "./totals/aggregate.ts";

export interface ConsumeTelemetryOptions {
  /** The namespace of TelemetryAggregator. While it is missing, everything is retried. */
  readonly aggregator?: AggregatorNamespace;
  /** How many aggregators share the work; 1 unless given, and the same wherever it is given. */
  readonly shards?: number;
}

const noAggregator =
  "isotel: `aggregator` is missing. Add to wrangler.jsonc: " +
  '"durable_objects": { "bindings": [{ "name": "TELEMETRY", "class_name": "TelemetryAggregator" }] }, ' +
  '"migrations": [{ "tag": "telemetry", "new_sqlite_classes": ["TelemetryAggregator"] }]';

const firstDelaySeconds = 5;
const maxDelaySeconds = 3600;
/**
 * An aggregator that has not answered after this time gets its messages again. A batch may hold messages of the Worker's
 * own: the runtime ends an invocation after 15 minutes, and would deliver those again too.
 */
const maxApplyMs = 30_000;
/** From this attempt on a message goes alone: should it be what breaks the aggregator, it takes no other with it. */
const aloneFromAttempt = 3;

/**
 * Hands the frames of a batch to the aggregators, one call for each shard, and acknowledges each message once its
 * aggregator has stored it. What is no frame is acknowledged too: the first aggregator counts it. The messages of an
 * aggregator that fails are retried, later with each attempt, and so are frames of a newer format version, which it
 * cannot read. Frames may come any number of times, in any order.
 *
 * It never rejects. Messages of a dead letter queue are consumed the same way.
 */
export async function consumeTelemetry(
  batch: MessageBatch,
  { aggregator, shards = 1 }: ConsumeTelemetryOptions,
): Promise<void> {
  try {
    if (aggregator === undefined) throw new TypeError(noAggregator);
    const deliveries = sort(batch.messages, checkShards(shards));
    const refused = await Promise.all(deliveries.map((delivery) => deliver(delivery, aggregator)));
    logRefused(batch.queue, refused.flat());
  } catch (cause) {
    report(`isotel: the queue ${batch.queue} cannot be consumed.`, cause);
    retryAll(batch.messages);
  }
}

/** Has messages delivered again, later with each attempt. */
function retryAll(messages: readonly Message[]): void {
  for (const message of messages) {
    const delay = firstDelaySeconds * 2 ** (message.attempts - 1);
    message.retry({ delaySeconds: Math.min(maxDelaySeconds, delay) });
  }
}

/** What goes to an aggregator in one call. */
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
      delivery = { shard: shardName(shard, shards), messages: [], frames: [] };
      deliveries.set(key, delivery);
    }
    delivery.messages.push(message);
    delivery.frames.push(frame);
  }
  return [...deliveries.values()];
}

/** The codes of the frames that were refused. */
async function deliver(
  { shard, messages, frames }: Delivery,
  namespace: AggregatorNamespace,
): Promise<number[]> {
  try {
    const results = await within(maxApplyMs, aggregatorStub(namespace, shard).apply(frames));
    messages.forEach((message, index) => {
      const result = results[index];
      if (typeof result === "number" && result !== ErrorCode.unknownVersion) message.ack();
      else retryAll([message]);
    });
    return results.filter((result) => result < 0);
  } catch (cause) {
    report(`isotel: ${messages.length} messages wait for the aggregator ${shard}.`, cause);
    retryAll(messages);
    return [];
  }
}

function logRefused(queue: string, codes: readonly number[]): void {
  const refused = codes.filter((code) => code !== ErrorCode.unknownVersion);
  if (refused.length < codes.length) {
    reportOnce(
      `isotel: the queue ${queue} carries metrics of a newer version of isotel than the aggregator runs. They are ` +
        "retried until that version is deployed, and then go to the dead letter queue; isotel_frames_newer counts how often.",
    );
  }
  if (refused.length === 0) return;
  const reasons = [...new Set(refused)].map(errorName).join(", ");
  report(
    `isotel: ${refused.length} messages of the queue ${queue} were refused and counted (${reasons}).`,
  );
}
