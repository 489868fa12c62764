/** Digits of a trace id that decide: the last 14, which are random in every kind of id. */
const decidingDigits = 14;
const range = 16 ** decidingDigits;

/**
 * Whether a trace is among the share `ratio` of all. The same trace gets the same answer everywhere, and one that is
 * kept at a ratio is kept at every higher one.
 */
export function keepsRatio(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-decidingDigits), 16) >= (1 - ratio) * range;
}
