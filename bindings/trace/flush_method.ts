import { sharedSlot } from "../base/shared.ts";

/**
 * The method of the default export that waits in an invocation of its own and then sends the metrics of the isolate.
 * The isolate calls it over RPC.
 */
export const flushMethod = "isotel:flush";

const isAdded = sharedSlot<boolean>("flush method");

/** Called when a Worker or an entrypoint, which may be the default export, gets {@link flushMethod}. */
export function noteFlushMethod(): void {
  isAdded.value = true;
}

export function hasFlushMethod(): boolean {
  return isAdded.value === true;
}
