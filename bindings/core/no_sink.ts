import type { AttributeSink } from "./core.ts";

/** Of spans that nothing traces: the core plans no attribute for them. */
export const noSink: AttributeSink = { write() {} };
