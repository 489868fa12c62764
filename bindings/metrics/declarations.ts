import type { Declaration } from "../core/declaration.ts";

const defaults: Omit<Declaration, "kind" | "name"> = {
  unit: "",
  help: "",
  labels: [],
  maxSeries: 0,
  bounds: [],
  schema: 0,
  maxBuckets: 0,
  zeroThreshold: -1,
};

/** A declaration in which what is not given has the core's default. */
export function simpleDeclaration(
  kind: number,
  name: string,
  given: Partial<Declaration>,
): Declaration {
  return { ...defaults, ...given, kind, name };
}
