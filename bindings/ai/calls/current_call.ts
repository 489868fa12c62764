import { AsyncLocalStorage } from "node:async_hooks";
import { sharedSlot } from "../../base/shared.ts";
import type { SpanContext } from "../../trace/span_runtime.ts";

/** The model request in whose context code runs. */
export interface CurrentCall {
  /**
   * Returns the ids of the request's span. Returns undefined if it is not traced or the runtime does not report ids.
   */
  spanContext(): SpanContext | undefined;
  /** Records the headers of the response. For providers that do not pass them on. */
  noteHeaders(headers: unknown): void;
}

// Created on demand, so that it costs nothing until it is used.
const calls = sharedSlot<AsyncLocalStorage<CurrentCall>>("calls");

/** Makes {@link currentCall} work from now on. */
export function followCalls(): void {
  calls.value ??= new AsyncLocalStorage();
}

/** Returns the innermost request in progress. Returns undefined before {@link followCalls} was called. */
export function currentCall(): CurrentCall | undefined {
  return calls.value?.getStore();
}

/** Runs `body` with `call` as the {@link currentCall}. */
export function runInCall<T>(call: CurrentCall, body: () => T): T {
  return calls.value === undefined ? body() : calls.value.run(call, body);
}
