import { shapeOf } from "../base/values.ts";
import { Abi, Limits } from "../core/abi.gen.ts";
import type { BoundsGenerator } from "../core/declaration.ts";

export type { BoundsGenerator };

const { maxBounds } = Limits;
const minDecade = -15;
const maxDecade = 16;
const maxPerDecade = 18;

/** Generators are made here alone, where they are checked. */
const made = new WeakSet<object>();

export function isGenerator(value: unknown): value is BoundsGenerator {
  return typeof value === "object" && value !== null && made.has(value);
}

/**
 * Bounds `start`, `start + width`, ...: `count` of them.
 *
 * @throws TypeError unless width > 0, count is 1 to 256 and all bounds are finite.
 */
export function linearBounds(start: number, width: number, count: number): BoundsGenerator {
  const who = "linearBounds()";
  check(Number.isFinite(start), who, "start", start, "a finite number");
  check(Number.isFinite(width) && width > 0, who, "width", width, "a finite number above 0");
  checkCount(who, count);
  checkGrowth(who, "width", width, count, (i) => start + width * i);
  return make(Abi.boundsLinear, start, width, count);
}

/**
 * Bounds `start`, `start * factor`, ...: `count` of them.
 *
 * @throws TypeError unless start > 0, factor > 1, count is 1 to 256 and all bounds are finite.
 */
export function exponentialBounds(start: number, factor: number, count: number): BoundsGenerator {
  const who = "exponentialBounds()";
  check(Number.isFinite(start) && start > 0, who, "start", start, "a finite number above 0");
  check(Number.isFinite(factor) && factor > 1, who, "factor", factor, "a finite number above 1");
  checkCount(who, count);
  checkGrowth(who, "factor", factor, count, (i) => start * factor ** i);
  return make(Abi.boundsExponential, start, factor, count);
}

/**
 * `perDecade` bounds in each power of ten from 10^`firstDecade` on, over `decades` powers of ten, and the last power of
 * ten; rounded to seven digits. `perDecadeBounds(-3, 4, 3)` goes from 0.001 to 10.
 *
 * @throws TypeError unless perDecade is 1 to 18, the decades lie within 10^-15 and 10^16 and the bounds are at most 256.
 */
export function perDecadeBounds(
  firstDecade: number,
  decades: number,
  perDecade: number,
): BoundsGenerator {
  const who = "perDecadeBounds()";
  const firstRule = `an integer from ${minDecade} to ${maxDecade}`;
  const isFirst = isIntegerIn(firstDecade, minDecade, maxDecade);
  check(isFirst, who, "firstDecade", firstDecade, firstRule);
  const mostDecades = maxDecade - firstDecade;
  const decadesRule = `an integer from 0 to ${mostDecades}`;
  check(isIntegerIn(decades, 0, mostDecades), who, "decades", decades, decadesRule);
  const mostPerDecade = Math.min(maxPerDecade, Math.floor((maxBounds - 1) / Math.max(decades, 1)));
  const perRule = `an integer from 1 to ${mostPerDecade}`;
  check(isIntegerIn(perDecade, 1, mostPerDecade), who, "perDecade", perDecade, perRule);
  return make(Abi.boundsPerDecade, firstDecade, perDecade, decades);
}

function make(generator: number, a: number, b: number, count: number): BoundsGenerator {
  const bounds = Object.freeze({ generator, a, b, count });
  made.add(bounds);
  return bounds;
}

function checkCount(who: string, count: number): void {
  check(isIntegerIn(count, 1, maxBounds), who, "count", count, `an integer from 1 to ${maxBounds}`);
}

function checkGrowth(
  who: string,
  field: string,
  value: number,
  count: number,
  boundAt: (i: number) => number,
): void {
  for (let i = 1; i < count; i += 1) {
    const grows = boundAt(i) > boundAt(i - 1) && Number.isFinite(boundAt(i));
    check(grows, who, field, value, "one by which finite bounds can grow");
  }
}

/** Whether a value is an integer in a range, its ends included. */
export function isIntegerIn(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function check(isValid: boolean, who: string, field: string, value: unknown, rule: string): void {
  if (isValid) return;
  throw new TypeError(`isotel: ${field} of ${who} is ${shapeOf(value)}; it has to be ${rule}`);
}
