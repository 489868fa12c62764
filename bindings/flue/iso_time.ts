/** `2026-11-20T08:21:07.270Z` */
const fullUnits = 24;
const secondsAt = 17;
const zero = 48;
const zulu = "Z".charCodeAt(0);

/** Reads the times of events, most of which are in the minute of the one before. */
export class IsoTime {
  #minute = Number.NaN;
  #minuteUnixMs = Number.NaN;

  /** Unix milliseconds of an ISO date; NaN for anything else. */
  parse(date: unknown): number {
    if (typeof date !== "string") return Number.NaN;
    if (date.length !== fullUnits || date.charCodeAt(fullUnits - 1) !== zulu) {
      return Date.parse(date);
    }
    // By the digits alone: what stands between them was looked at when the minute was new.
    const hour = 100 * pair(date, 8) + pair(date, 11);
    const month = 100 * (100 * pair(date, 0) + pair(date, 2)) + pair(date, 5);
    const minute = 1e6 * month + 100 * hour + pair(date, 14);
    if (minute !== this.#minute) {
      this.#minuteUnixMs = Date.parse(`${date.slice(0, secondsAt)}00.000Z`);
      this.#minute = Number.isNaN(this.#minuteUnixMs) ? Number.NaN : minute;
    }
    const seconds = pair(date, secondsAt);
    const ms = 100 * digit(date, 20) + pair(date, 21);
    return seconds < 60 ? this.#minuteUnixMs + 1_000 * seconds + ms : Number.NaN;
  }
}

function pair(text: string, at: number): number {
  return 10 * digit(text, at) + digit(text, at + 1);
}

/** The digit at a place; NaN for what is none. */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - zero;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}
