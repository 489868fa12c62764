import { Abi } from "./abi.gen.ts";

/** Bounds the core computes, so that they are the same on every platform. */
export interface BoundsGenerator {
  /** Abi.bounds*. */
  readonly generator: number;
  readonly a: number;
  readonly b: number;
  readonly count: number;
}

/** A metric family as the core is told about it; ranges as in src/metrics/declaration.h. */
export interface Declaration {
  /** A code of MetricKind. */
  readonly kind: number;
  /** Whether it is a metric of isotel's own, which gives way to one the Worker defines under its name. */
  readonly isBuiltIn: boolean;
  readonly name: string;
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Label sets kept apart; 0 for the core's default. */
  readonly maxSeries: number;
  /** Of histograms. */
  readonly bounds: readonly number[] | BoundsGenerator;
  /** Of exponential histograms. */
  readonly schema: number;
  /** Of exponential histograms; 0 for the core's default. */
  readonly maxBuckets: number;
  /** Of exponential histograms; below 0 for the core's default. */
  readonly zeroThreshold: number;
}

const encoder = new TextEncoder();

/** The layout isotel_metrics_declare() takes. */
export function encodeDeclaration(
  declaration: Declaration,
  bounds: readonly number[],
): Uint8Array<ArrayBuffer> {
  const labels = declaration.labels.map((label) => encoder.encode(label));
  const head = [declaration.name, declaration.unit, declaration.help].map((text) =>
    encoder.encode(text),
  );
  const sizesAt = Abi.declarationBytes + 8 * bounds.length;
  const textsAt = sizesAt + 4 * labels.length;
  const texts = [...head, ...labels];
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length, textsAt));
  const view = new DataView(bytes.buffer);
  view.setFloat64(Abi.declarationZeroThreshold, declaration.zeroThreshold, true);
  view.setUint32(Abi.declarationKind, declaration.kind, true);
  view.setInt32(Abi.declarationSchema, declaration.schema, true);
  view.setUint32(Abi.declarationMaxBuckets, declaration.maxBuckets, true);
  view.setUint32(Abi.declarationMaxSeries, declaration.maxSeries, true);
  view.setUint32(Abi.declarationBuiltIn, declaration.isBuiltIn ? 1 : 0, true);
  head.forEach((text, i) => {
    view.setUint32(Abi.declarationNameSize + 4 * i, text.length, true);
  });
  view.setUint32(Abi.declarationLabelCount, labels.length, true);
  view.setUint32(Abi.declarationBoundCount, bounds.length, true);
  bounds.forEach((bound, i) => {
    view.setFloat64(Abi.declarationBytes + 8 * i, bound, true);
  });
  labels.forEach((label, i) => {
    view.setUint32(sizesAt + 4 * i, label.length, true);
  });
  let at = textsAt;
  for (const text of texts) {
    bytes.set(text, at);
    at += text.length;
  }
  return bytes;
}

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
