import type { Declaration } from "../core/declaration.ts";

const defaults: Omit<Declaration, "kind" | "name"> = {
  isBuiltIn: false,
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

/** The same for a metric of isotel's own. */
export function builtInDeclaration(
  kind: number,
  name: string,
  given: Partial<Declaration>,
): Declaration {
  return { ...simpleDeclaration(kind, name, given), isBuiltIn: true };
}
