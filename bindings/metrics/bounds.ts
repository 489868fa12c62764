import { shared } from "../base/shared.ts";
import { shapeOf } from "../base/values.ts";
import { Abi, Limits } from "../core/abi.gen.ts";
import type { BoundsGenerator } from "../core/declaration.ts";

export type { BoundsGenerator };

const minDecade = -15;
const maxDecade = 16;
const maxPerDecade = 18;

/** Only this module creates generators, because it checks their parameters. */
const generators = shared("bounds", () => new WeakSet<object>());

export function isGenerator(value: unknown): value is BoundsGenerator {
  return typeof value === "object" && value !== null && generators.has(value);
}

/**
 * Returns `count` bounds: `start`, `start + width`, and so on.
 *
 * @param width a finite number above 0.
 * @param count 1 to 256.
 * @throws TypeError if a parameter is out of range or a bound is not finite.
 */
export function linearBounds(start: number, width: number, count: number): BoundsGenerator {
  const caller = "linearBounds()";
  check(Number.isFinite(start), caller, "start", start, "a finite number");
  check(Number.isFinite(width) && width > 0, caller, "width", width, "a finite number above 0");
  checkCount(caller, count);
  checkGrowth(caller, "width", width, count, (i) => start + width * i);
  return make(Abi.boundsLinear, start, width, count);
}

/**
 * Returns `count` bounds: `start`, `start * factor`, and so on.
 *
 * @param start a finite number above 0.
 * @param factor a finite number above 1.
 * @param count 1 to 256.
 * @throws TypeError if a parameter is out of range or a bound is not finite.
 */
export function exponentialBounds(start: number, factor: number, count: number): BoundsGenerator {
  const caller = "exponentialBounds()";
  check(Number.isFinite(start) && start > 0, caller, "start", start, "a finite number above 0");
  check(Number.isFinite(factor) && factor > 1, caller, "factor", factor, "a finite number above 1");
  checkCount(caller, count);
  checkGrowth(caller, "factor", factor, count, (i) => start * factor ** i);
  return make(Abi.boundsExponential, start, factor, count);
}

/**
 * Returns `perDecade` bounds in each of `decades` powers of ten from 10^`firstDecade` on, and one last bound at
 * 10^(`firstDecade` + `decades`). Bounds are rounded to seven digits. `perDecadeBounds(-3, 4, 3)` goes from 0.001 to
 * 10.
 *
 * @param firstDecade -15 to 16.
 * @param decades 0 to 16 - `firstDecade`.
 * @param perDecade 1 to 18.
 * @throws TypeError if a parameter is out of range or there are more than 256 bounds.
 */
export function perDecadeBounds(
  firstDecade: number,
  decades: number,
  perDecade: number,
): BoundsGenerator {
  const caller = "perDecadeBounds()";
  const firstRule = `an integer from ${minDecade} to ${maxDecade}`;
  const isFirst = isIntegerIn(firstDecade, minDecade, maxDecade);
  check(isFirst, caller, "firstDecade", firstDecade, firstRule);
  const maxDecades = maxDecade - firstDecade;
  const decadesRule = `an integer from 0 to ${maxDecades}`;
  check(isIntegerIn(decades, 0, maxDecades), caller, "decades", decades, decadesRule);
  const maxThatFit = Math.min(
    maxPerDecade,
    Math.floor((Limits.maxBounds - 1) / Math.max(decades, 1)),
  );
  const perRule = `an integer from 1 to ${maxThatFit}`;
  check(isIntegerIn(perDecade, 1, maxThatFit), caller, "perDecade", perDecade, perRule);
  return make(Abi.boundsPerDecade, firstDecade, perDecade, decades);
}

function make(generator: number, a: number, b: number, count: number): BoundsGenerator {
  const bounds = Object.freeze({ generator, a, b, count });
  generators.add(bounds);
  return bounds;
}

function checkCount(caller: string, count: number): void {
  const rule = `an integer from 1 to ${Limits.maxBounds}`;
  check(isIntegerIn(count, 1, Limits.maxBounds), caller, "count", count, rule);
}

function checkGrowth(
  caller: string,
  field: string,
  value: number,
  count: number,
  boundAt: (i: number) => number,
): void {
  for (let i = 1; i < count; i += 1) {
    const grows = boundAt(i) > boundAt(i - 1) && Number.isFinite(boundAt(i));
    check(grows, caller, field, value, "a number that gives finite bounds in ascending order");
  }
}

/** Whether a value is an integer from `min` to `max`, both included. */
export function isIntegerIn(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function check(
  isValid: boolean,
  caller: string,
  field: string,
  value: unknown,
  rule: string,
): void {
  if (isValid) return;
  throw new TypeError(`isotel: ${field} of ${caller} is ${shapeOf(value)}; it has to be ${rule}`);
}
