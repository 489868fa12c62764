import { joinedBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/time.ts";
import type { Destination } from "../backends/backend.ts";
import { rejectedCount } from "./partial_success.ts";
import type { DropReason } from "./tally.ts";

/** The environment of a sender. */
export interface SenderOptions {
  readonly clock: Clock;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  /** Maximum number of attempts of one call. Default: 10. */
  readonly maxAttempts?: number;
}

/** The outcome of sending one request. */
export interface SendOutcome {
  /** Undefined if the backend accepted the request, except for `rejected` items. */
  readonly dropped: DropReason | undefined;
  readonly rejected: number;
  /** Number of HTTP requests. */
  readonly requests: number;
  /** Status of the last response. 0 if there was none. */
  readonly status: number;
  /** Milliseconds of the pause that the backend asked for. Set if the sender gave up instead of waiting. */
  readonly pauseMs: number;
}

const contentTypes = { protobuf: "application/x-protobuf", json: "application/json" } as const;

/** More attempts do not fit into the time of an invocation. */
const defaultMaxAttempts = 10;
/** Maximum number of redirects in one attempt. */
const maxRedirects = 3;
const redirectStatus = new Set([301, 302, 307, 308]);
/** A longer response is ignored. A response only contains the number of rejected items and the reason. */
const maxAnswerBytes = 65_536;
const noAnswer = new Uint8Array(0);
/** An attempt with less time is not worthwhile. */
const leastAttemptMs = 50;

type Attempt =
  | { readonly status: number; readonly rejected: number }
  | { readonly status: number; readonly dropped: DropReason }
  | { readonly status: number; readonly retryAfterMs: number | undefined };

/**
 * Posts one encoded request. Retries until the backend accepts or refuses it, or until the deadline. Never throws.
 *
 * @param body Copied before the function returns.
 * @param deadlineUnixMs Time in milliseconds since the Unix epoch by which the call must end.
 */
export async function send(
  destination: Destination,
  body: Uint8Array,
  deadlineUnixMs: number,
  options: SenderOptions,
): Promise<SendOutcome> {
  const { clock, sleep, random, maxAttempts = defaultMaxAttempts } = options;
  let requests = 0;
  let status = 0;
  try {
    const isCompressed = destination.compression === "gzip";
    const payload = isCompressed ? await gzip(body) : new Uint8Array(body);
    for (;;) {
      const leftMs = deadlineUnixMs - clock();
      if (requests > 0 && leftMs < leastAttemptMs) break;
      requests += 1;
      const timeoutMs = Math.max(Math.min(destination.timeoutMs, leftMs), leastAttemptMs);
      const attempt = await post(destination, payload, timeoutMs, options);
      status = attempt.status;
      if ("rejected" in attempt) {
        return { dropped: undefined, rejected: attempt.rejected, requests, status, pauseMs: 0 };
      }
      if ("dropped" in attempt) {
        return { dropped: attempt.dropped, rejected: 0, requests, status, pauseMs: 0 };
      }
      const asked = attempt.retryAfterMs ?? 0;
      const waitMs = Math.max(backoffMs(requests, random), asked);
      if (requests >= maxAttempts || clock() + waitMs + leastAttemptMs > deadlineUnixMs) {
        return { dropped: "unavailable", rejected: 0, requests, status, pauseMs: asked };
      }
      await sleep(waitMs);
    }
  } catch {
    // The host lacks an API, such as CompressionStream. The data cannot be sent.
  }
  return { dropped: "unavailable", rejected: 0, requests, status, pauseMs: 0 };
}

/** Makes one attempt and follows redirects within the origin. */
async function post(
  destination: Destination,
  payload: Uint8Array<ArrayBuffer>,
  timeoutMs: number,
  options: SenderOptions,
): Promise<Attempt> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    let { url } = destination;
    for (let redirects = 0; ; redirects += 1) {
      const response = await options.fetch(url, {
        method: "POST",
        headers: headersOf(destination),
        body: payload,
        // With `follow`, a redirect to another host would also get the headers, which contain keys.
        redirect: "manual",
        signal: abort.signal,
      });
      const next = redirectStatus.has(response.status) ? nextUrl(response, url) : undefined;
      if (next === undefined) return await attemptOf(response, options.clock);
      discard(response);
      if (redirects >= maxRedirects || new URL(next).origin !== new URL(url).origin) {
        return { status: response.status, dropped: "redirected" };
      }
      url = next;
    }
  } catch {
    // The connection failed, or no response arrived in time.
    return { status: 0, retryAfterMs: undefined };
  } finally {
    clearTimeout(timer);
  }
}

function headersOf({ headers, format, compression }: Destination): Record<string, string> {
  return {
    "user-agent": "isotel",
    ...headers,
    "content-type": contentTypes[format],
    ...(compression === "gzip" ? { "content-encoding": "gzip" } : {}),
  };
}

function nextUrl(response: Response, url: string): string | undefined {
  const location = response.headers.get("location");
  return location === null ? undefined : URL.parse(location, url)?.href;
}

async function attemptOf(response: Response, clock: Clock): Promise<Attempt> {
  const { status, headers } = response;
  if (response.ok) {
    const rejected = rejectedCount(await answerOf(response), headers.get("content-type"));
    return { status, rejected };
  }
  discard(response);
  if (isRetryable(status)) {
    return { status, retryAfterMs: retryAfterMs(headers.get("retry-after"), clock()) };
  }
  const isRedirect = status >= 300 && status < 400;
  return { status, dropped: isRedirect ? "redirected" : "rejected" };
}

/** Returns the body of a successful response. Returns no bytes if reading fails: accepted items are not sent again. */
async function answerOf(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    while (reader !== undefined) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > maxAnswerBytes) {
        void reader.cancel().catch(() => {});
        return noAnswer;
      }
      chunks.push(value);
    }
  } catch {
    return noAnswer;
  }
  // Most bodies have at most one chunk.
  return chunks.length < 2 ? (chunks[0] ?? noAnswer) : joinedBytes(chunks);
}

/** Cancels a body that is not read, because it would keep its connection open. */
function discard(response: Response): void {
  void response.body?.cancel().catch(() => {});
}

/** Returns the gzip form of `bytes`. Copies them before it returns, so that the caller may change them. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

/** Statuses that may be temporary. All other errors are final. */
const retryableStatus = new Set([429, 502, 503, 504]);

const firstDelayMs = 500;
const maxDelayMs = 8_000;
/** Maximum pause for `Retry-After`. Longer values are reduced to it. */
const maxRetryAfterMs = 300_000;

export function isRetryable(status: number): boolean {
  return retryableStatus.has(status);
}

/**
 * Returns the milliseconds to wait after an attempt. The delay doubles with each attempt. Half of it is random.
 *
 * @param attempt Counts from 1.
 */
export function backoffMs(attempt: number, random: () => number): number {
  const maxWaitMs = Math.min(firstDelayMs * 2 ** (attempt - 1), maxDelayMs);
  return maxWaitMs / 2 + (random() * maxWaitMs) / 2;
}

/**
 * Returns the milliseconds of a `Retry-After` header, which is a number of seconds or an HTTP date. Returns undefined
 * if the header is missing or invalid.
 */
export function retryAfterMs(header: string | null, nowUnixMs: number): number | undefined {
  const text = header?.trim() ?? "";
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowUnixMs;
  const isDate = /[A-Za-z]/.test(text);
  if (Number.isNaN(waitMs) || !(isDate || /^\d+$/.test(text))) return undefined;
  return Math.min(Math.max(waitMs, 0), maxRetryAfterMs);
}

/** Calls the global `fetch` of that moment. A test or a framework may have replaced it. */
export const systemFetch: SenderOptions["fetch"] = (url, init) => globalThis.fetch(url, init);
