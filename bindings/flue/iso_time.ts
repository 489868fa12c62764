/** `2026-11-20T08:21:07.270Z`: as long as this, with the seconds and milliseconds here. */
const usual = { units: 24, seconds: 17, point: 19, ms: 20, zone: 23 };
const zero = "0".charCodeAt(0);
const point = ".".charCodeAt(0);
const zulu = "Z".charCodeAt(0);

/** Reads the times of events, most of which are in the minute of the one before. */
export class IsoTime {
  /** How the dates of the minute that is known begin: codes of UTF-16. */
  readonly #known = new Uint16Array(usual.seconds);
  #minuteUnixMs = Number.NaN;

  /** Unix milliseconds of an ISO date; NaN for anything else. */
  parse(date: unknown): number {
    if (typeof date !== "string") return Number.NaN;
    const ms = sinceMinute(date);
    if (ms < 0) return Date.parse(date);
    if (!this.#isKnown(date)) {
      const unixMs = Date.parse(date);
      if (Number.isNaN(unixMs)) return unixMs;
      for (let i = 0; i < usual.seconds; i += 1) this.#known[i] = date.charCodeAt(i);
      this.#minuteUnixMs = unixMs - ms;
    }
    return this.#minuteUnixMs + ms;
  }

  #isKnown(date: string): boolean {
    const known = this.#known;
    // What differs between two minutes is mostly at the end.
    let i = usual.seconds - 1;
    while (i >= 0 && date.charCodeAt(i) === known[i]) i -= 1;
    return i < 0;
  }
}

/** Milliseconds since the minute of a date as it usually is; below zero for any other text. */
function sinceMinute(date: string): number {
  if (date.length !== usual.units || date.charCodeAt(usual.zone) !== zulu) return -1;
  if (date.charCodeAt(usual.point) !== point) return -1;
  const tens = date.charCodeAt(usual.seconds) - zero;
  const ones = date.charCodeAt(usual.seconds + 1) - zero;
  const hundreds = date.charCodeAt(usual.ms) - zero;
  const tenths = date.charCodeAt(usual.ms + 1) - zero;
  const last = date.charCodeAt(usual.ms + 2) - zero;
  // Each is 0 to 9, and the first one 0 to 5.
  const outside =
    tens | (5 - tens) | ones | (9 - ones) | hundreds | (9 - hundreds) | tenths | (9 - tenths);
  if ((outside | last | (9 - last)) < 0) return -1;
  return 10_000 * tens + 1_000 * ones + 100 * hundreds + 10 * tenths + last;
}
