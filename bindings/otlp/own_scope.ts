import type { InstrumentationScope } from "./model.ts";

/** Who makes what is exported. */
export const ownScope: InstrumentationScope = { name: "isotel", version: "" };
