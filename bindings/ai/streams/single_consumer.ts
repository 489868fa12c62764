import { isThenable } from "../../trace/thenable.ts";
import { isFunction } from "../read.ts";
import { observeStream, relayStream, type StreamObserver } from "./observe_stream.ts";

const streams = ["stream", "fullStream", "textStream", "partialOutputStream", "elementStream"];
const responses = ["toUIMessageStreamResponse", "toTextStreamResponse"];

/**
 * Observes a result that can be read once, in one of many ways: the low-memory variant of streamText. Its methods are
 * bound to what it hides, so each way to read it is observed by itself.
 *
 * @returns false when the result has none of them.
 */
export function observeSingleConsumer(result: object, observer: StreamObserver): boolean {
  const known = streams.filter((name) => replaceGetter(result, name, observed));
  function observed(value: unknown): unknown {
    if (value instanceof ReadableStream) {
      observer.onStart?.();
      observeStream(value, observer);
    }
    return value;
  }
  replaceMethod(result, "toUIMessageStream", observed);
  replaceMethod(result, "consumeStream", (value) => {
    if (isThenable(value)) value.then(() => observer.onDone(), ignore);
    return value;
  });
  for (const name of responses) {
    replaceMethod(result, name, (value) => {
      if (!(value instanceof Response) || value.body === null) return value;
      observer.onStart?.();
      // The runtime reads a body without asking its methods.
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
  Object.defineProperty(target, name, { ...descriptor, get: () => observed(get.call(target)) });
  return true;
}

function replaceMethod(target: object, name: string, observed: (value: unknown) => unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  const method: unknown = descriptor?.value;
  if (!isFunction(method) || descriptor?.configurable !== true) return;
  const value = (...args: unknown[]) => observed(method(...args));
  Object.defineProperty(target, name, { ...descriptor, value });
}

function ignore(): void {}
