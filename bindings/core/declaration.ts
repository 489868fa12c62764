import { Abi } from "./abi.gen.ts";

/** Parameters of bounds that the core computes, so that they are the same on every platform. */
export interface BoundsGenerator {
  /** One of the `bounds*` constants of {@link Abi}. */
  readonly generator: number;
  readonly a: number;
  readonly b: number;
  readonly count: number;
}

/** A metric family as the binding declares it to the core. Ranges: src/metrics/declaration.h. */
export interface Declaration {
  /** A code of MetricKind. */
  readonly kind: number;
  /** Whether isotel defines the metric. A built-in metric gives way to a metric of the Worker with the same name. */
  readonly isBuiltIn: boolean;
  readonly name: string;
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Limit of label sets that get a series each. 0 selects the core's default. */
  readonly maxSeries: number;
  /** Histograms only. */
  readonly bounds: readonly number[] | BoundsGenerator;
  /** Exponential histograms only. */
  readonly schema: number;
  /** Exponential histograms only. 0 selects the core's default. */
  readonly maxBuckets: number;
  /** Exponential histograms only. A negative number selects the core's default. */
  readonly zeroThreshold: number;
}

const encoder = new TextEncoder();

/** Returns a declaration in the layout of isotel_metrics_declare(). */
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

/** Returns a declaration with the core's defaults for all other properties. */
export function simpleDeclaration(
  kind: number,
  name: string,
  properties: Partial<Declaration>,
): Declaration {
  return { ...defaults, ...properties, kind, name };
}

/** Like {@link simpleDeclaration}, for a metric that isotel defines. */
export function builtInDeclaration(
  kind: number,
  name: string,
  properties: Partial<Declaration>,
): Declaration {
  return { ...simpleDeclaration(kind, name, properties), isBuiltIn: true };
}
