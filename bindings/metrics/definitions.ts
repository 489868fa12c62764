import { utf8Length } from "../base/bytes.ts";
import { isList, record, shapeOf } from "../base/values.ts";
import { Limits, MetricKind } from "../core/abi.gen.ts";
import { type BoundsGenerator, type Declaration, simpleDeclaration } from "../core/declaration.ts";
import { isGenerator, isIntegerIn } from "./bounds.ts";
import { type Labels, type LabelValue, labelText } from "./labels.ts";

/** Options of all kinds of metrics. */
export interface MetricOptions<L extends readonly string[] = readonly string[]> {
  /** Describes the metric in one sentence. At most 1,024 bytes. */
  readonly help?: string;
  /** A UCUM code (`s`, `By`, `{token}`) or a word (`seconds`). At most 63 bytes. */
  readonly unit?: string;
  /** Label names, at most 32. Every record must give each label a value. */
  readonly labels?: L;
  /** Limit of label sets in one isolate, 1 to 2,000. Further label sets share one overflow series. Default: 2,000. */
  readonly maxLabelSets?: number;
}

/** Options of counters and histograms. */
export interface ZeroOptions<L extends readonly string[] = readonly string[]> {
  /**
   * Label sets to show at 0 before their first record, at most `maxLabelSets`. Each has a value for each label. A metric
   * without labels is always shown. Default: none.
   */
  readonly zeros?: readonly Labels<NoInfer<L>[number]>[];
}

/** Options of {@link counter}. */
export interface CounterOptions<L extends readonly string[] = readonly string[]>
  extends MetricOptions<L>,
    ZeroOptions<L> {}

/** How the values of a gauge in several isolates are combined. */
export type GaugeAggregation = "sum" | "min" | "max" | "last";

const gaugeKinds: Readonly<Record<GaugeAggregation, number>> = {
  sum: MetricKind.gaugeSum,
  min: MetricKind.gaugeMin,
  max: MetricKind.gaugeMax,
  last: MetricKind.gaugeLast,
};

/** Options of {@link gauge}. */
export interface GaugeOptions<L extends readonly string[] = readonly string[]>
  extends MetricOptions<L> {
  /** How the values of several isolates are combined. Default: `last`, the value that was set last. */
  readonly aggregate?: GaugeAggregation;
}

/** Options of {@link histogram}. */
export interface HistogramOptions<L extends readonly string[] = readonly string[]>
  extends MetricOptions<L>,
    ZeroOptions<L> {
  /** 1 to 256 inclusive upper bounds in ascending order, without +Inf. */
  readonly bounds: readonly number[] | BoundsGenerator;
}

/** Options of {@link exponentialHistogram}. */
export interface ExponentialHistogramOptions<L extends readonly string[] = readonly string[]>
  extends MetricOptions<L>,
    ZeroOptions<L> {
  /** Initial resolution, -4 to 8: each bound is 2^(2^-schema) times the previous one. Default: 3, within 4.4 %. */
  readonly schema?: number;
  /** Limit of buckets for each sign, 2 to 512. Beyond it, the resolution is halved. Default: 160. */
  readonly maxBuckets?: number;
  /** Values with at most this magnitude count as zero. Default: 2^-128. */
  readonly zeroThreshold?: number;
}

/** Decides which methods the handle of a metric has. */
export type MetricType = "counter" | "gauge" | "histogram";

/** The definition of a metric, for `defineMetrics`. */
export interface MetricDefinition<T extends MetricType = MetricType, L extends string = string> {
  readonly type: T;
  readonly declaration: Declaration;
  /** Label sets that are shown at 0 before their first record. */
  readonly zeros: readonly Labels<string>[];
  /** Always absent. Carries the label names in its type. */
  readonly labels?: L;
}

/**
 * Defines a counter: a value that only grows.
 *
 * @param name for example `shop_orders`. Expositions add `_total`.
 * @throws TypeError if an option is invalid. Names the option, the shape of its value and the rule.
 */
export function counter<const L extends readonly string[] = readonly []>(
  name: string,
  options: CounterOptions<L> = {},
): MetricDefinition<"counter", L[number]> {
  return define("counter", "counter", name, options, () => ({ kind: MetricKind.counter }));
}

/**
 * Defines a gauge: a value that goes up and down. Each isolate has its value; `aggregate` combines them.
 *
 * @throws TypeError if an option is invalid. Names the option, the shape of its value and the rule.
 */
export function gauge<const L extends readonly string[] = readonly []>(
  name: string,
  options: GaugeOptions<L> = {},
): MetricDefinition<"gauge", L[number]> {
  const aggregate = options.aggregate ?? "last";
  return define("gauge", "gauge", name, options, () => ({
    kind: (Object.hasOwn(gaugeKinds, aggregate) ? gaugeKinds[aggregate] : undefined) as number,
  }));
}

/**
 * Defines a histogram with fixed bucket bounds.
 *
 * @throws TypeError if an option is invalid. Names the option, the shape of its value and the rule.
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
 * Defines a histogram with exponential buckets. Expositions show it as a Prometheus native histogram.
 *
 * @throws TypeError if an option is invalid. Names the option, the shape of its value and the rule.
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
  return { type, declaration, zeros: zerosOf(checkOf(caller, name), type, declaration, options) };
}

/** Returns a copy of a list, so that the caller cannot change the definition later. */
function copyOf<T>(list: T): T {
  return isList(list) ? ([...list] as T) : list;
}

/** Prefix of isotel's metrics. Expositions replace every special character by an underscore. */
const reservedPrefix = /^isotel[^A-Za-z0-9]/;

/** What {@link isName} accepts. */
export const nameRule: string = `a string of 1 to ${Limits.maxMetricNameBytes} bytes without control characters`;

const loneSurrogate = /\p{Surrogate}/u;

/** Throws TypeError if `isValid` is false. */
type Check = (isValid: boolean, field: string, value: unknown, rule: string) => void;

function checkOf(caller: string, name: unknown): Check {
  const who = typeof name === "string" ? `${caller}(${JSON.stringify(name)})` : `${caller}()`;
  return (isValid, field, value, rule) => {
    if (isValid) return;
    throw new TypeError(`isotel: ${field} of ${who} is ${shapeOf(value)}; it has to be ${rule}`);
  };
}

/** @throws TypeError if the options of a definition are not an object. */
function checkOptions(caller: string, name: unknown, options: unknown): void {
  const isObject = typeof options === "object" && options !== null;
  checkOf(caller, name)(isObject, "the second argument", options, "an object with options");
}

/**
 * Checks a definition against the rules of src/metrics/declaration.h.
 *
 * @param caller the name of the function that took the definition.
 * @param options the options as passed. Shows which properties of the declaration are not defaults.
 * @throws TypeError if an option is invalid. Names the option, the shape of its value and the rule.
 */
export function checkDeclaration(caller: string, declaration: Declaration, options: object): void {
  const { name, unit, help, labels, maxSeries } = declaration;
  const check = checkOf(caller, name);
  check(isName(name), "the name", name, nameRule);
  const isFree = !reservedPrefix.test(name);
  check(isFree, "the name", name, "a name that does not begin with isotel_ or isotel.");
  check(
    isText(unit, Limits.maxUnitBytes),
    "unit",
    unit,
    `a string of at most ${Limits.maxUnitBytes} bytes`,
  );
  check(
    isText(help, Limits.maxHelpBytes),
    "help",
    help,
    `a string of at most ${Limits.maxHelpBytes} bytes`,
  );
  checkLabels(check, declaration.kind, labels);
  const isLimit =
    !isSet(options, "maxLabelSets") || isIntegerIn(maxSeries, 1, Limits.maxSeriesPerFamily);
  check(isLimit, "maxLabelSets", maxSeries, `an integer from 1 to ${Limits.maxSeriesPerFamily}`);
  checkKind(check, declaration, options);
}

function isSet(options: object, name: string): boolean {
  return (options as Readonly<Record<string, unknown>>)[name] !== undefined;
}

/** Returns the label name of expositions that accept only ASCII letters, digits and underscores. */
export function shownLabel(label: string): string {
  return label.replace(/^[0-9]|[^A-Za-z0-9_]/gu, "_");
}

function checkLabels(check: Check, kind: number, labels: readonly string[]): void {
  check(isList(labels), "labels", labels, "a list of names");
  check(
    labels.length <= Limits.maxLabels,
    "labels",
    labels,
    `a list of at most ${Limits.maxLabels} names`,
  );
  labels.forEach((label, i) => {
    const field = `labels[${i}]`;
    check(isName(label), field, label, nameRule);
    check(!label.startsWith("__"), field, label, 'a name that does not begin with "__"');
    const shown = shownLabel(label);
    // Expositions add these labels.
    const isBound = kind >= MetricKind.histogram && shown === "le";
    check(!isBound, field, label, 'a name other than "le", which histograms reserve');
    const isReserved = shown === "isotel_definition";
    check(!isReserved, field, label, 'a name other than "isotel_definition", which is reserved');
    check(labels.indexOf(label) === i, field, label, "a name that occurs only once");
    const other = labels.slice(0, i).find((before) => shownLabel(before) === shown);
    const otherRule = `a name that expositions do not show as ${shown}, like ${JSON.stringify(other)}`;
    check(other === undefined, field, label, otherRule);
  });
}

function checkKind(check: Check, declaration: Declaration, options: object): void {
  const { kind, bounds, schema, maxBuckets, zeroThreshold } = declaration;
  if (kind === MetricKind.histogram) {
    const rule = `1 to ${Limits.maxBounds} finite numbers in strictly ascending order`;
    check(isGenerator(bounds) || areBounds(bounds), "bounds", bounds, rule);
  }
  if (kind === MetricKind.exponentialHistogram) {
    const schemaRule = `an integer from ${Limits.minSchema} to ${Limits.maxSchema}`;
    check(isIntegerIn(schema, Limits.minSchema, Limits.maxSchema), "schema", schema, schemaRule);
    const areBuckets =
      !isSet(options, "maxBuckets") ||
      isIntegerIn(maxBuckets, Limits.minExponentialBuckets, Limits.maxExponentialBuckets);
    const bucketsRule = `an integer from ${Limits.minExponentialBuckets} to ${Limits.maxExponentialBuckets}`;
    check(areBuckets, "maxBuckets", maxBuckets, bucketsRule);
    const isThreshold =
      !isSet(options, "zeroThreshold") || (zeroThreshold >= 0 && Number.isFinite(zeroThreshold));
    check(isThreshold, "zeroThreshold", zeroThreshold, "a finite number of at least 0");
  }
  const { aggregate } = options as { aggregate?: unknown };
  const names = Object.keys(gaugeKinds).map((name) => JSON.stringify(name));
  check(kind !== undefined, "aggregate", aggregate, `one of ${names.join(", ")}`);
}

/** Returns copies of the label sets that a metric shows at 0. Without labels there is one, which is empty. */
function zerosOf(
  check: Check,
  type: MetricType,
  { labels, maxSeries }: Declaration,
  options: object,
): Labels<string>[] {
  const { zeros } = options as { zeros?: unknown };
  if (zeros === undefined) return type === "gauge" || labels.length > 0 ? [] : [{}];
  const gaugeRule = "left out, because a gauge has no value before it is set";
  check(type !== "gauge", "zeros", zeros, gaugeRule);
  check(isList(zeros), "zeros", zeros, "a list of label sets");
  const list = copyOf(zeros) as readonly unknown[];
  const limit = maxSeries || Limits.maxSeriesPerFamily;
  const limitRule = `a list of at most ${limit} label sets, the value of maxLabelSets`;
  check(list.length <= limit, "zeros", list, limitRule);
  return list.map((entry, i) => {
    const set = record(entry) ?? {};
    const isSet = record(entry) !== undefined;
    check(isSet, `zeros[${i}]`, entry, "an object with a value for each label");
    const fieldOf = (label: string) => `the label ${JSON.stringify(label)} of zeros[${i}]`;
    for (const label of Object.keys(set)) {
      check(labels.includes(label), fieldOf(label), set[label], "left out, or added to labels");
    }
    return Object.fromEntries(
      labels.map((label) => {
        const value = set[label];
        const isValue = labelText(value) !== undefined;
        check(isValue, fieldOf(label), value, "a string, a number or a boolean");
        return [label, value as LabelValue];
      }),
    );
  });
}

/** Whether a value is a valid list of histogram bounds. */
function areBounds(bounds: unknown): boolean {
  if (!isList(bounds) || bounds.length < 1 || bounds.length > Limits.maxBounds) return false;
  return bounds.every(
    (bound, i) =>
      Number.isFinite(bound) && (i === 0 || (bound as number) > (bounds[i - 1] as number)),
  );
}

function isText(value: unknown, maxBytes: number): value is string {
  return typeof value === "string" && !loneSurrogate.test(value) && utf8Length(value) <= maxBytes;
}

export function isName(value: unknown): value is string {
  if (!isText(value, Limits.maxMetricNameBytes) || value === "") return false;
  for (let i = 0; i < value.length; i += 1) {
    const unit = value.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) return false;
  }
  return true;
}
