import type { ModelCalls } from "../calls/model_calls.ts";
import { record } from "../read.ts";
import { observeStream } from "./observe_stream.ts";

/**
 * Notes when the result of a function that streams gets a reader: a stream, or a result with getters, each of which
 * begins to read. Of any other result nothing is noted.
 */
export function noteReader(owner: ModelCalls, result: unknown): void {
  const source = record(result);
  const noted = () => {
    owner.isUnread = false;
  };
  const stream = source === undefined ? undefined : ownValue(source, "stream");
  if (stream instanceof ReadableStream) {
    owner.isUnread = observeStream(stream, {
      onStart: noted,
      onDone: noted,
      onError: noted,
      onCancel: noted,
    });
    return;
  }
  if (source === undefined || ownGetter(source, "fullStream") === undefined) return;
  for (const name of Object.keys(source)) {
    const get = ownGetter(source, name);
    if (get === undefined) continue;
    const value = () => {
      noted();
      return get.call(source) as unknown;
    };
    Object.defineProperty(source, name, { get: value, configurable: true, enumerable: true });
  }
  owner.isUnread = true;
}

function ownValue(source: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(source, name)?.value as unknown;
}

function ownGetter(source: object, name: string): (() => unknown) | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(source, name);
  return descriptor?.configurable === true ? descriptor.get : undefined;
}
