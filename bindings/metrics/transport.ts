import { reportOnce } from "../base/report_once.ts";
import type { AggregatorNamespace, Queue } from "../base/runtime_types.ts";
import { shapeOf } from "../base/values.ts";
import { ErrorCode } from "../core/abi.gen.ts";
import { errorName } from "../core/errors.ts";
import type { Frame } from "./outbox.ts";
import { aggregatorStub, reportNotices, shardName, shardOf } from "./shards.ts";

/** Carries frames to the aggregator. */
export interface Transport {
  /**
   * Sends frames.
   *
   * @param delivered is called with each frame that need not be sent again.
   * @returns a promise that rejects if the frames that were not passed to `delivered` have to be sent again.
   */
  send(frames: readonly Frame[], delivered: (frame: Frame) => void): Promise<void>;
}

// Limits of a batch of a queue. The second is in bytes and leaves room for what the runtime adds to each message.
const maxMessages = 100;
const maxBatchBytes = 250_000;

/**
 * Returns a transport that sends one message for each frame, with the frame as its body.
 *
 * The queue gets copies. `send` with the content type "bytes" detaches the buffer of its body at once, even if the send
 * fails, so the next attempt would send an empty frame. `sendBatch` leaves the buffers alone, but that is not
 * documented.
 */
export function queueTransport(queue: Queue): Transport {
  return {
    async send(frames, delivered) {
      for (const batch of batches(frames, maxMessages, maxBatchBytes)) {
        const copies = batch.map((frame) => frame.slice());
        const [only] = copies;
        if (copies.length === 1 && only !== undefined) {
          await queue.send(only, { contentType: "bytes" });
        } else {
          await queue.sendBatch(copies.map((body) => ({ body, contentType: "bytes" })));
        }
        batch.forEach(delivered);
      }
    },
  };
}

// Limits of one call of an aggregator.
const maxFramesOfCall = 50;
const maxBytesOfCall = 4_000_000;

const producerAt = 4;
const producerEnd = 20;

/** Returns a transport that calls the aggregator of each frame's producer. */
export function aggregatorTransport(aggregator: AggregatorNamespace, shards: number): Transport {
  return {
    async send(frames, delivered) {
      const shardOfFrame = (frame: Frame) =>
        shardOf(frame.subarray(producerAt, producerEnd), shards);
      const failures: unknown[] = [];
      for (const [shard, own] of groupBy(frames, shardOfFrame)) {
        const stub = aggregatorStub(aggregator, shardName(shard));
        try {
          for (const batch of batches(own, maxFramesOfCall, maxBytesOfCall)) {
            const answers: unknown = await stub.apply(batch, shards);
            const areAnswers =
              Array.isArray(answers) &&
              answers.length === batch.length &&
              answers.every((answer) => typeof answer === "number");
            // Without exactly one number for each frame, no answer can be assigned to a frame.
            if (!areAnswers) {
              throw new TypeError(
                `isotel: the aggregator returned ${shapeOf(answers)}; it has to return ` +
                  `a list of ${batch.length} numbers`,
              );
            }
            const newer = batch.filter((_, at) => answers[at] === ErrorCode.unknownVersion);
            if (newer.length > 0) failures.push(new Error(olderAggregator));
            answers.forEach((answer: number, at) => {
              if (answer === ErrorCode.unknownVersion) return;
              if (answer < 0) reportRefused(answer);
              delivered(batch[at] as Frame);
            });
            await reportNotices(stub, answers);
          }
        } catch (cause) {
          // A shard that fails must not delay the frames of the others.
          failures.push(cause);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

const olderAggregator =
  "isotel: the Worker of the aggregator runs an older version of isotel, which cannot read these metrics; " +
  "deploy this version there too";

function reportRefused(code: number): void {
  const reason = errorName(code);
  reportOnce(`isotel: the aggregator refused and counted a frame, which is lost (${reason}).`);
}

/** Yields the frames in order, in batches of at most `maxCount` frames and `maxBytes` bytes. */
function* batches(
  frames: readonly Frame[],
  maxCount: number,
  maxBytes: number,
): Generator<Frame[]> {
  let batch: Frame[] = [];
  let bytes = 0;
  for (const frame of frames) {
    if (batch.length > 0 && (batch.length >= maxCount || bytes + frame.length > maxBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(frame);
    bytes += frame.length;
  }
  if (batch.length > 0) yield batch;
}

function groupBy(frames: readonly Frame[], keyOf: (frame: Frame) => number): Map<number, Frame[]> {
  const groups = new Map<number, Frame[]>();
  for (const frame of frames) {
    const key = keyOf(frame);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [frame]);
    else group.push(frame);
  }
  return groups;
}
