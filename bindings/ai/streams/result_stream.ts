import type { AIOperation } from "../calls/operation.ts";
import { isRejected, recordIfRejected } from "../calls/rejected_calls.ts";
import { isFunction, record } from "../read.ts";
import { observeStream, type StreamObserver } from "./observe_stream.ts";
import { observeSingleConsumer } from "./single_consumer.ts";

/**
 * Ends an operation with the streams of its result. Every public stream, promise and response of a streamText result
 * takes a branch from `teeStream()`; a streamObject result is read from `baseStream`, a low-memory one once. Nothing is consumed here, no
 * getter that would start consumption is touched.
 *
 * @returns false when the result has none of these, so that its end cannot be seen.
 */
export function observeResult(operation: AIOperation, result: unknown): boolean {
  if (typeof result !== "object" || result === null) return false;
  const source = result as { teeStream?: unknown; baseStream?: unknown };
  if (isFunction(source.teeStream)) {
    observeBranches(operation, source, source.teeStream);
    return true;
  }
  const { baseStream } = source;
  const observer: StreamObserver = {
    onStart: () => operation.noteConsumer(),
    onChunk: (part) => {
      // What fails outside of a model call is told in the stream alone.
      noteError(operation, part);
      recordIfRejected(operation, part);
    },
    onDone: () => operation.streamEnded(),
    onError: (cause) => operation.fail(cause),
    onCancel: () => operation.consumerLeft(),
  };
  return baseStream instanceof ReadableStream
    ? observeStream(baseStream, observer)
    : observeSingleConsumer(source, observer);
}

function noteError(operation: AIOperation, part: unknown): void {
  const source = record(part);
  if (source?.["type"] === "error") operation.noteFailure(source["error"]);
}

function observeBranches(
  operation: AIOperation,
  result: object,
  teeStream: (...args: unknown[]) => unknown,
): void {
  let consumers = 0;
  // Every branch carries the same parts.
  let rejected: WeakSet<object> | undefined;
  const observer: StreamObserver = {
    onChunk: (chunk) => {
      const part = record(record(chunk)?.["part"]);
      if (!isRejected(part)) return;
      rejected ??= new WeakSet();
      if (rejected.has(part)) return;
      rejected.add(part);
      operation.telemetry.guard(() => recordIfRejected(operation, part));
    },
    onDone: () => operation.streamEnded(),
    onError: (cause) => operation.fail(cause),
    onCancel: () => {
      consumers -= 1;
      if (consumers === 0) operation.consumerLeft();
    },
  };
  const value = (...args: unknown[]) => {
    const branch = teeStream.apply(result, args);
    if (!(branch instanceof ReadableStream)) return branch;
    consumers += 1;
    operation.noteConsumer();
    observeStream(branch, observer);
    return branch;
  };
  Object.defineProperty(result, "teeStream", { value, configurable: true, writable: true });
}
