import { Limits, MetricKind } from "../core/abi.gen.ts";
import type { Declaration } from "../core/declaration.ts";
import { utf8Length } from "../core/utf8.ts";
import { isGenerator, isIntegerIn } from "./bounds.ts";
import { isList, shapeOf } from "./shape.ts";

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
export function checkOptions(caller: string, name: unknown, options: unknown): void {
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
