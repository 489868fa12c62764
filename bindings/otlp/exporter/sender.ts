import { joinedBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/time.ts";
import type { Destination } from "../backends/backend.ts";
import { rejectedCount } from "./partial_success.ts";
import type { DropReason } from "./tally.ts";

/** What sending needs of the world around it. */
export interface SenderOptions {
  readonly clock: Clock;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  /** Of one call, 10 unless given. */
  readonly maxAttempts?: number;
}

/** How a request ended at last. */
export interface SendOutcome {
  /** Undefined when the backend took it, up to `rejected` items. */
  readonly dropped: DropReason | undefined;
  readonly rejected: number;
  /** Requests that were made. */
  readonly requests: number;
  /** Status of the last answer; 0 for none. */
  readonly status: number;
  /** Milliseconds the backend asked to be left alone, longer than there was time to wait. */
  readonly pauseMs: number;
}

const contentTypes = { protobuf: "application/x-protobuf", json: "application/json" } as const;

/** More do not fit into the time of an invocation. */
const defaultMaxAttempts = 10;
/** Redirects of one attempt. */
const maxRedirects = 3;
const redirectStatus = new Set([301, 302, 307, 308]);
/** More of an answer is not read: it says how many items were rejected and why. */
const maxAnswerBytes = 65_536;
const noAnswer = new Uint8Array(0);
/** Less time is not worth an attempt. */
const leastAttemptMs = 50;

type Attempt =
  | { readonly status: number; readonly rejected: number }
  | { readonly status: number; readonly dropped: DropReason }
  | { readonly status: number; readonly retryAfterMs: number | undefined };

/**
 * Posts one encoded request until it is taken or refused, or no time is left. Never throws.
 *
 * @param body is copied at once.
 * @param deadlineUnixMs when all has to be over.
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
    // Compression or the clock of a host that lacks something: the data cannot be sent.
  }
  return { dropped: "unavailable", rejected: 0, requests, status, pauseMs: 0 };
}

/** One attempt, with the redirects it meets. */
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
        // Followed by the runtime, headers with keys would go wherever it leads.
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
    // No connection, or no answer in time.
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

/** The body of a good answer; empty when it breaks off: what was taken is not sent again. */
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
  // Mostly there is one, or none.
  return chunks.length < 2 ? (chunks[0] ?? noAnswer) : joinedBytes(chunks);
}

/** A body that is not read would hold its connection. */
function discard(response: Response): void {
  void response.body?.cancel().catch(() => {});
}

/** The bytes as gzip. They are copied at once: the caller may change them afterwards. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

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

/** `fetch` as it is when it is called: a test or a framework may have put in another. */
export const systemFetch: SenderOptions["fetch"] = (url, init) => globalThis.fetch(url, init);
