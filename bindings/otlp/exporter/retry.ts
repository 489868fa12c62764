/** Answers that may be others the next time; all others are final. */
const retryableStatus = new Set([429, 502, 503, 504]);

const firstDelayMs = 500;
const maxDelayMs = 8_000;
/** No receiver silences an exporter for longer. */
const maxRetryAfterMs = 300_000;

export function isRetryable(status: number): boolean {
  return retryableStatus.has(status);
}

/** Milliseconds to wait before the attempt after `attempt`, which counts from 1: grows twofold, with half of it random. */
export function backoffMs(attempt: number, random: () => number): number {
  const most = Math.min(firstDelayMs * 2 ** (attempt - 1), maxDelayMs);
  return most / 2 + (random() * most) / 2;
}

/** Milliseconds of a `Retry-After` header: seconds or an HTTP date. Undefined for none, and for what is neither. */
export function retryAfterMs(header: string | null, nowUnixMs: number): number | undefined {
  const text = header?.trim() ?? "";
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowUnixMs;
  const isDate = /[A-Za-z]/.test(text);
  if (Number.isNaN(waitMs) || !(isDate || /^\d+$/.test(text))) return undefined;
  return Math.min(Math.max(waitMs, 0), maxRetryAfterMs);
}
