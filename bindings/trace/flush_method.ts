/**
 * The method of the default export that waits in an invocation of its own and then sends the metrics of the isolate.
 * The isolate calls it over RPC.
 */
export const flushMethod = "isotel:flush";

let isFlushMethodAdded = false;

/** Called when a Worker or an entrypoint, which may be the default export, gets {@link flushMethod}. */
export function noteFlushMethod(): void {
  isFlushMethodAdded = true;
}

export function hasFlushMethod(): boolean {
  return isFlushMethodAdded;
}
