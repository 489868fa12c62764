import { MetricKind } from "../core/abi.gen.ts";
import type { BoundsGenerator, Declaration } from "../core/declaration.ts";
import { checkDeclaration, checkOptions } from "./check_definition.ts";
import { simpleDeclaration } from "./declarations.ts";
import { isList } from "./shape.ts";

/** What all kinds of metrics are told. */
export interface MetricOptions<L extends readonly string[] = readonly string[]> {
  /** What it measures, in one sentence; at most 1,024 bytes. */
  readonly help?: string;
  /** UCUM (`s`, `By`, `{token}`) or a word (`seconds`); at most 63 bytes. */
  readonly unit?: string;
  /** Label names, at most 32. Every record gives each of them a value. */
  readonly labels?: L;
  /** Label sets kept apart in one isolate, at most 2,000; what comes after goes to one overflow series. */
  readonly maxLabelSets?: number;
}

/** How the values of several isolates become one. */
export type GaugeAggregation = "sum" | "min" | "max" | "last";

export interface GaugeOptions<L extends readonly string[] = readonly string[]>
  extends MetricOptions<L> {
  /** `last` unless given: the value that was written last. */
  readonly aggregate?: GaugeAggregation;
}

export interface HistogramOptions<L extends readonly string[] = readonly string[]>
  extends MetricOptions<L> {
  /** Inclusive upper bounds in ascending order, 1 to 256 of them, without +Inf. */
  readonly bounds: readonly number[] | BoundsGenerator;
}

export interface ExponentialHistogramOptions<L extends readonly string[] = readonly string[]>
  extends MetricOptions<L> {
  /** Resolution to start with, -4 to 8: buckets grow by 2^(2^-schema). 3 unless given, within 4.4 %. */
  readonly schema?: number;
  /** Buckets of each sign, 2 to 512; past it the resolution is halved. 160 unless given. */
  readonly maxBuckets?: number;
  /** Values up to it, of either sign, count as zero. 2^-128 unless given. */
  readonly zeroThreshold?: number;
}

/** Which methods a metric has. */
export type MetricType = "counter" | "gauge" | "histogram";

/** A metric that is defined and not yet recorded; see `defineMetrics`. */
export interface MetricDefinition<T extends MetricType = MetricType, L extends string = string> {
  readonly type: T;
  readonly declaration: Declaration;
  /** Never there: carries the label names in its type. */
  readonly labels?: L;
}

const gaugeKinds: Readonly<Record<GaugeAggregation, number>> = {
  sum: MetricKind.gaugeSum,
  min: MetricKind.gaugeMin,
  max: MetricKind.gaugeMax,
  last: MetricKind.gaugeLast,
};

/**
 * A count that only grows.
 *
 * @param name such as `shop_orders`; expositions add `_total`.
 * @throws TypeError naming the option, the shape of its value and the rule it breaks.
 */
export function counter<const L extends readonly string[] = readonly []>(
  name: string,
  options: MetricOptions<L> = {},
): MetricDefinition<"counter", L[number]> {
  return define("counter", "counter", name, options, () => ({ kind: MetricKind.counter }));
}

/**
 * A value that goes up and down. Each isolate has its own; `aggregate` says what they are together.
 *
 * @throws TypeError naming the option, the shape of its value and the rule it breaks.
 */
export function gauge<const L extends readonly string[] = readonly []>(
  name: string,
  options: GaugeOptions<L> = {},
): MetricDefinition<"gauge", L[number]> {
  return define("gauge", "gauge", name, options, () => ({
    kind: gaugeKinds[options.aggregate ?? "last"],
  }));
}

/**
 * A distribution over buckets that are given.
 *
 * @throws TypeError naming the option, the shape of its value and the rule it breaks.
 */
export function histogram<const L extends readonly string[] = readonly []>(
  name: string,
  options: HistogramOptions<L>,
): MetricDefinition<"histogram", L[number]> {
  return define("histogram", "histogram", name, options, () => ({
    kind: MetricKind.histogram,
    bounds: copyOf(options.bounds),
  }));
}

/**
 * A distribution over exponential buckets, shown as a Prometheus native histogram.
 *
 * @throws TypeError naming the option, the shape of its value and the rule it breaks.
 */
export function exponentialHistogram<const L extends readonly string[] = readonly []>(
  name: string,
  options: ExponentialHistogramOptions<L> = {},
): MetricDefinition<"histogram", L[number]> {
  return define("exponentialHistogram", "histogram", name, options, () => ({
    kind: MetricKind.exponentialHistogram,
    schema: options.schema ?? 3,
    maxBuckets: options.maxBuckets ?? 0,
    zeroThreshold: options.zeroThreshold ?? -1,
  }));
}

type Own = Partial<Declaration> & { readonly kind: number };

function define<T extends MetricType, L extends readonly string[]>(
  caller: string,
  type: T,
  name: string,
  options: MetricOptions<L>,
  ownOf: () => Own,
): MetricDefinition<T, L[number]> {
  checkOptions(caller, name, options);
  const { help = "", unit = "", labels = [], maxLabelSets = 0 } = options;
  const own = ownOf();
  const declaration = simpleDeclaration(own.kind, name, {
    unit,
    help,
    labels: copyOf(labels),
    maxSeries: maxLabelSets,
    ...own,
  });
  checkDeclaration(caller, declaration, options);
  return { type, declaration };
}

/** A list that nobody else can change. */
function copyOf<T>(list: T): T {
  return isList(list) ? ([...list] as T) : list;
}
