import { utf8Length } from "../base/bytes.ts";
import { isList, shapeOf } from "../base/values.ts";
import { Limits, MetricKind } from "../core/abi.gen.ts";
import { type BoundsGenerator, type Declaration, simpleDeclaration } from "../core/declaration.ts";
import { isGenerator, isIntegerIn } from "./bounds.ts";

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

const {
  maxMetricNameBytes: maxNameBytes,
  maxUnitBytes,
  maxHelpBytes,
  maxLabels,
  maxSeriesPerFamily: maxLabelSets,
  maxBounds,
  minSchema,
  maxSchema,
  minExponentialBuckets,
  maxExponentialBuckets,
} = Limits;
/** The beginning of names of isotel's own metrics. Expositions show every other character as an underscore. */
const reservedPrefix = /^isotel[^A-Za-z0-9]/;

const loneSurrogate = /\p{Surrogate}/u;

/** Throws TypeError when `isValid` is false. */
type Check = (isValid: boolean, field: string, value: unknown, rule: string) => void;

function checkOf(caller: string, name: unknown): Check {
  const who = typeof name === "string" ? `${caller}(${JSON.stringify(name)})` : `${caller}()`;
  return (isValid, field, value, rule) => {
    if (isValid) return;
    throw new TypeError(`isotel: ${field} of ${who} is ${shapeOf(value)}; it has to be ${rule}`);
  };
}

/** @throws TypeError when the options of a definition are no object. */
function checkOptions(caller: string, name: unknown, options: unknown): void {
  const isObject = typeof options === "object" && options !== null;
  checkOf(caller, name)(isObject, "the second argument", options, "an object with options");
}

/**
 * Checks what a definition says, by the rules of src/metrics/declaration.h.
 *
 * @param caller the function the definition was given to.
 * @param options what it was given: defaults in the declaration are no values of theirs.
 * @throws TypeError naming the field, the shape of its value and the rule it breaks.
 */
export function checkDeclaration(caller: string, declaration: Declaration, options: object): void {
  const { name, unit, help, labels, maxSeries } = declaration;
  const check = checkOf(caller, name);
  const nameRule = `a text of 1 to ${maxNameBytes} bytes without control characters`;
  check(isName(name), "the name", name, nameRule);
  const isFree = !reservedPrefix.test(name);
  check(isFree, "the name", name, "a name that does not begin with isotel_ or isotel.");
  check(isText(unit, maxUnitBytes), "unit", unit, `a text of at most ${maxUnitBytes} bytes`);
  check(isText(help, maxHelpBytes), "help", help, `a text of at most ${maxHelpBytes} bytes`);
  checkLabels(check, declaration.kind, labels);
  const areSets = !isGiven(options, "maxLabelSets") || isIntegerIn(maxSeries, 1, maxLabelSets);
  check(areSets, "maxLabelSets", maxSeries, `an integer from 1 to ${maxLabelSets}`);
  checkKind(check, declaration, options);
}

function isGiven(options: object, name: string): boolean {
  return (options as Readonly<Record<string, unknown>>)[name] !== undefined;
}

function checkLabels(check: Check, kind: number, labels: readonly string[]): void {
  check(isList(labels), "labels", labels, "a list of names");
  check(labels.length <= maxLabels, "labels", labels, `a list of at most ${maxLabels} names`);
  labels.forEach((label, i) => {
    const field = `labels[${i}]`;
    check(isName(label), field, label, `a text of 1 to ${maxNameBytes} bytes`);
    check(!label.startsWith("__"), field, label, 'a name that does not begin with "__"');
    const isBucketLabel = kind === MetricKind.histogram && label === "le";
    check(!isBucketLabel, field, label, 'another name than "le", which histograms use themselves');
    check(labels.indexOf(label) === i, field, label, "a name that is not in the list before");
  });
}

function checkKind(check: Check, declaration: Declaration, options: object): void {
  const { kind, bounds, schema, maxBuckets, zeroThreshold } = declaration;
  if (kind === MetricKind.histogram) {
    const rule = `1 to ${maxBounds} finite numbers in strictly ascending order`;
    check(isGenerator(bounds) || areBounds(bounds), "bounds", bounds, rule);
  }
  if (kind === MetricKind.exponentialHistogram) {
    const schemaRule = `an integer from ${minSchema} to ${maxSchema}`;
    check(isIntegerIn(schema, minSchema, maxSchema), "schema", schema, schemaRule);
    const areBuckets =
      !isGiven(options, "maxBuckets") ||
      isIntegerIn(maxBuckets, minExponentialBuckets, maxExponentialBuckets);
    const bucketsRule = `an integer from ${minExponentialBuckets} to ${maxExponentialBuckets}`;
    check(areBuckets, "maxBuckets", maxBuckets, bucketsRule);
    const isThreshold =
      !isGiven(options, "zeroThreshold") || (zeroThreshold >= 0 && Number.isFinite(zeroThreshold));
    check(isThreshold, "zeroThreshold", zeroThreshold, "a finite number of at least 0");
  }
  const { aggregate } = options as { aggregate?: unknown };
  check(kind !== undefined, "aggregate", aggregate, '"sum", "min", "max" or "last"');
}

/** Whether these are numbers a histogram can have as bounds. */
function areBounds(bounds: unknown): boolean {
  if (!isList(bounds) || bounds.length < 1 || bounds.length > maxBounds) return false;
  return bounds.every(
    (bound, i) =>
      Number.isFinite(bound) && (i === 0 || (bound as number) > (bounds[i - 1] as number)),
  );
}

function isText(value: unknown, maxBytes: number): value is string {
  return typeof value === "string" && !loneSurrogate.test(value) && utf8Length(value) <= maxBytes;
}

function isName(value: unknown): value is string {
  if (!isText(value, maxNameBytes) || value === "") return false;
  for (let i = 0; i < value.length; i += 1) {
    const unit = value.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) return false;
  }
  return true;
}
