import { AsyncLocalStorage } from "node:async_hooks";
import type { SpanContext } from "../../trace/span_runtime.ts";

/** The request to a model inside which something runs. */
export interface CurrentCall {
  /** Ids of its span; undefined where no trace has it, or the runtime does not tell. */
  spanContext(): SpanContext | undefined;
  /** Takes the headers of the response, for a provider that keeps them to itself. */
  noteHeaders(headers: unknown): void;
}

// Nothing is paid for it before somebody wants to know.
let calls: AsyncLocalStorage<CurrentCall> | undefined;

/** From now on {@link currentCall} answers. */
export function followCalls(): void {
  calls ??= new AsyncLocalStorage();
}

/** The innermost request that is being made; undefined until {@link followCalls} was called. */
export function currentCall(): CurrentCall | undefined {
  return calls?.getStore();
}

/** Runs `body` where {@link currentCall} gives `call`. */
export function runInCall<T>(call: CurrentCall, body: () => T): T {
  return calls === undefined ? body() : calls.run(call, body);
}
