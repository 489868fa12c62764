import { MetricKind } from "../core/abi.gen.ts";
import type { Declaration } from "../core/declaration.ts";
import { utf8Length } from "../core/utf8.ts";
import { isGenerator, isIntegerIn } from "./bounds.ts";
import { shapeOf } from "./shape.ts";

const maxNameBytes = 255;
const maxUnitBytes = 63;
const maxHelpBytes = 1024;
const maxLabels = 32;
const maxLabelSets = 2000;
const maxBounds = 256;
/** Names of isotel's own metrics begin with it. */
const reservedPrefix = "isotel_";

const loneSurrogate = /\p{Surrogate}/u;

/** Throws TypeError when `isValid` is false. */
type Check = (isValid: boolean, field: string, value: unknown, rule: string) => void;

/**
 * Checks what a definition says, by the rules of src/metrics/declaration.h.
 *
 * @param caller the function the definition was given to.
 * @param options what it was given, for what the declaration has no room.
 * @throws TypeError naming the field, the shape of its value and the rule it breaks.
 */
export function checkDeclaration(caller: string, declaration: Declaration, options: object): void {
  const { name } = declaration;
  const who = typeof name === "string" ? `${caller}(${JSON.stringify(name)})` : `${caller}()`;
  const check: Check = (isValid, field, value, rule) => {
    if (!isValid) {
      throw new TypeError(`isotel: ${field} of ${who} is ${shapeOf(value)}; it has to be ${rule}`);
    }
  };
  const isObject = typeof options === "object" && options !== null;
  check(isObject, "the second argument", options, "an object with options");
  const nameRule = `a text of 1 to ${maxNameBytes} bytes without control characters`;
  check(isName(name), "the name", name, nameRule);
  const isFree = !name.startsWith(reservedPrefix);
  check(isFree, "the name", name, `a name that does not begin with ${reservedPrefix}`);
  const { unit, help, labels } = declaration;
  check(isText(unit, maxUnitBytes), "unit", unit, `a text of at most ${maxUnitBytes} bytes`);
  check(isText(help, maxHelpBytes), "help", help, `a text of at most ${maxHelpBytes} bytes`);
  checkLabels(check, declaration.kind, labels);
  const { maxSeries } = declaration;
  const setsRule = `an integer from 1 to ${maxLabelSets}`;
  const isDefault = maxSeries === 0 && !("maxLabelSets" in options);
  check(isDefault || isIntegerIn(maxSeries, 1, maxLabelSets), "maxLabelSets", maxSeries, setsRule);
  checkKind(check, declaration, options);
}

function checkLabels(check: Check, kind: number, labels: readonly string[]): void {
  check(Array.isArray(labels), "labels", labels, "a list of names");
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
    check(isIntegerIn(schema, -4, 8), "schema", schema, "an integer from -4 to 8");
    const isSet = "maxBuckets" in options;
    const bucketsRule = "an integer from 2 to 512";
    check(!isSet || isIntegerIn(maxBuckets, 2, 512), "maxBuckets", maxBuckets, bucketsRule);
    const isThreshold = zeroThreshold >= 0 && Number.isFinite(zeroThreshold);
    const isThresholdSet = "zeroThreshold" in options;
    const thresholdRule = "a finite number of at least 0";
    check(!isThresholdSet || isThreshold, "zeroThreshold", zeroThreshold, thresholdRule);
  }
  const { aggregate } = options as { aggregate?: unknown };
  check(kind !== undefined, "aggregate", aggregate, '"sum", "min", "max" or "last"');
}

/** Whether these are numbers a histogram can have as bounds. */
function areBounds(bounds: unknown): boolean {
  if (!Array.isArray(bounds) || bounds.length < 1 || bounds.length > maxBounds) return false;
  return bounds.every(
    (bound, i) => Number.isFinite(bound) && (i === 0 || bound > (bounds[i - 1] as number)),
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
