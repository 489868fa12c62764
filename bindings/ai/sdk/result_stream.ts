import { isFunction, isThenable, record } from "../../base/values.ts";
import { observeStream, relayStream, type StreamObserver } from "../calls/observe_stream.ts";
import type { AIOperation } from "../calls/operation.ts";
import { recordIfElsewhere } from "../calls/tool_call.ts";

const streams = ["stream", "fullStream", "textStream", "partialOutputStream", "elementStream"];
const responses = ["toUIMessageStreamResponse", "toTextStreamResponse"];

/**
 * Observes a result that can be read once, in one of several ways: the low-memory variant of streamText. Its methods
 * are bound to hidden state, so each way to read it is observed separately.
 *
 * @returns False if the result has no stream.
 */
function observeSingleConsumer(result: object, observer: StreamObserver): boolean {
  const known = streams.filter((name) => replaceGetter(result, name, observed));
  function observed(value: unknown): unknown {
    if (value instanceof ReadableStream) {
      observer.onStart?.();
      observeStream(value, observer);
    }
    return value;
  }
  replaceMethod(result, "toUIMessageStream", observed);
  replaceMethod(
    result,
    "consumeStream",
    (value) => {
      if (isThenable(value)) value.then(() => observer.onDone(), ignore);
      return value;
    },
    (options) => ({
      ...record(options),
      // Consuming swallows the error of the stream.
      onError(cause: unknown) {
        observer.onError(cause);
        const onError = record(options)?.["onError"];
        return isFunction(onError) ? onError.call(options, cause) : undefined;
      },
    }),
  );
  for (const name of responses) {
    replaceMethod(result, name, (value) => {
      if (!(value instanceof Response) || value.body === null) return value;
      observer.onStart?.();
      // The runtime reads a body without calling its methods.
      return new Response(relayStream(value.body, observer), value);
    });
  }
  return known.length > 0;
}

function replaceGetter(
  target: object,
  name: string,
  observed: (value: unknown) => unknown,
): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  const get = descriptor?.get;
  if (get === undefined || descriptor?.configurable !== true) return false;
  const observedGet = function (this: unknown) {
    return observed(get.call(this));
  };
  Object.defineProperty(target, name, { ...descriptor, get: observedGet });
  return true;
}

/** Replaces a method. `withOptions` returns a replacement for its argument. */
function replaceMethod(
  target: object,
  name: string,
  observed: (value: unknown) => unknown,
  withOptions?: (options: unknown) => unknown,
): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  const method: unknown = descriptor?.value;
  if (!isFunction(method) || descriptor?.configurable !== true) return;
  const value = function (this: unknown, ...args: unknown[]) {
    const given = withOptions === undefined ? args : [withOptions(args[0]), ...args.slice(1)];
    return observed(method.apply(this, given));
  };
  Object.defineProperty(target, name, { ...descriptor, value });
}

function ignore(): void {}

/**
 * Ends an operation with the streams of its result. Every public stream, promise and response of a streamText result
 * takes a branch from `teeStream()`. A streamObject result is read from `baseStream`. The result of the low-memory
 * variant is read once. Consumes nothing and calls no getter that would start consumption.
 *
 * @returns False if the result has none of these. Its end cannot be observed then.
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
    // An error outside of a model call appears only in the stream.
    onChunk: (part) => notePart(operation, record(part)),
    onDone: () => operation.streamEnded(),
    onError: (cause) => operation.fail(cause),
    onCancel: () => operation.consumerLeft(),
  };
  return baseStream instanceof ReadableStream
    ? observeStream(baseStream, observer)
    : observeSingleConsumer(source, observer);
}

/** Notes the end of the operation if a part of the caller's stream reports it. */
function notePart(
  operation: AIOperation,
  part: Readonly<Record<string, unknown>> | undefined,
): void {
  switch (part?.["type"]) {
    case "error":
      operation.noteFailure(part["error"]);
      return;
    case "abort":
      operation.noteAbort();
      return;
    case "finish":
      operation.noteLastPart();
      return;
    case "tool-call":
      operation.telemetry.guard(() => recordIfElsewhere(operation, part));
      return;
    default:
  }
}

function observeBranches(
  operation: AIOperation,
  result: object,
  teeStream: (...args: unknown[]) => unknown,
): void {
  let consumers = 0;
  const observer: StreamObserver = {
    onChunk: (chunk) => {
      const part = record(record(chunk)?.["part"]);
      notePart(operation, part);
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
