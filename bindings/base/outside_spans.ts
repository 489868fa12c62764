import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Runs a function outside of the current spans. The requests of isotel would be their children. While modules load,
 * there is no span.
 */
export const outsideSpans: <T>(body: () => T) => T = AsyncLocalStorage.snapshot();
