import { isThenable, record } from "../../base/values.ts";
import type { CallOwner } from "./call_owner.ts";
import { finishing } from "./ending.ts";
import type { ProviderCall } from "./provider_call.ts";

type Method = (...args: unknown[]) => unknown;

/** Work that was started at a provider and is polled until it is done. Its span lasts as long. */
export interface StartedWork {
  /** Keeps the call of `doStart` open. Returns false if its result has no operation to poll. */
  add(call: ProviderCall, result: unknown): boolean;
  /** Wraps `doStatus` to run inside the span of the polled work. The span ends when a status says so. */
  observeStatus(method: Method): Method;
  /** Ends the spans of work that is no longer polled. */
  end(): void;
  fail(cause: unknown): void;
}

export function startedWork({ telemetry }: CallOwner): StartedWork {
  const open = new Map<unknown, ProviderCall>();

  const take = (operation: unknown, result: unknown) => {
    const call = open.get(operation);
    const status = record(result)?.["status"];
    if (call === undefined || (status !== "completed" && status !== "error")) return;
    open.delete(operation);
    if (status === "completed") call.settled(result);
    // The SDK makes an error from the provider's message.
    else call.fail(new Error());
  };

  const closeAll = (close: (call: ProviderCall) => void) =>
    telemetry.guard(() => {
      const calls = [...open.values()];
      open.clear();
      for (const call of calls) close(call);
    });

  return {
    add(call, result) {
      const operation = record(result)?.["operation"];
      if (operation === undefined || operation === null) return false;
      open.set(operation, call);
      return true;
    },
    observeStatus:
      (method) =>
      (options, ...rest) => {
        const operation = record(options)?.["operation"];
        const call = open.get(operation);
        if (call === undefined) return method(options, ...rest);
        const pending = call.span.activate(() => method(options, ...rest));
        if (!isThenable(pending)) return pending;
        return pending.then((result) => {
          telemetry.guard(() => take(operation, result));
          return result;
        });
      },
    end: () => closeAll((call) => call.end(finishing)),
    fail: (cause) => closeAll((call) => call.fail(cause)),
  };
}
