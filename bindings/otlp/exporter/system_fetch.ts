import type { SenderOptions } from "./sender.ts";

/** `fetch` as it is when it is called: a test or a framework may have put in another. */
export const systemFetch: SenderOptions["fetch"] = (url, init) => globalThis.fetch(url, init);
