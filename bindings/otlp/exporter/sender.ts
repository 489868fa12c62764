import { joinedBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/time.ts";
import type { Destination } from "../backends/backend.ts";
import { rejectedCount } from "./partial_success.ts";

/** The environment of a sender. */
export interface SenderOptions {
  readonly clock: Clock;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
}

/** The outcome of one request. */
export interface SendOutcome {
  /**
   * `unavailable` is temporary: the status says so, or there was no answer in time. The backend may have taken the
   * request in the second case.
   */
  readonly result: "accepted" | "rejected" | "redirected" | "unavailable";
  /** Number of items of an accepted request that the backend rejected. */
  readonly rejected: number;
  /** Status of the response. 0 if there was none. */
  readonly status: number;
  /** Milliseconds of the pause that the backend asked for. */
  readonly retryAfterMs: number;
}

const contentTypes = { protobuf: "application/x-protobuf", json: "application/json" } as const;

/** Maximum number of redirects in one attempt. */
const maxRedirects = 3;
const redirectStatus = new Set([301, 302, 307, 308]);
/** A longer response is ignored. A response only contains the number of rejected items and the reason. */
const maxAnswerBytes = 65_536;
const noAnswer = new Uint8Array(0);
const unanswered: SendOutcome = {
  result: "unavailable",
  rejected: 0,
  status: 0,
  retryAfterMs: 0,
};

/**
 * Posts one encoded request. Never throws.
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
  try {
    const isCompressed = destination.compression === "gzip";
    const payload = isCompressed ? await gzip(body) : new Uint8Array(body);
    const leftMs = Math.max(deadlineUnixMs - options.clock(), 0);
    const timeoutMs = Math.min(destination.timeoutMs, leftMs);
    return await post(destination, payload, timeoutMs, options);
  } catch {
    // The host lacks an API, such as CompressionStream.
    return unanswered;
  }
}

/** Makes the request and follows redirects within the origin. */
async function post(
  destination: Destination,
  payload: Uint8Array<ArrayBuffer>,
  timeoutMs: number,
  options: SenderOptions,
): Promise<SendOutcome> {
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
      if (next === undefined) return await outcomeOf(response, options.clock);
      discard(response);
      if (redirects >= maxRedirects || new URL(next).origin !== new URL(url).origin) {
        return { ...unanswered, result: "redirected", status: response.status };
      }
      url = next;
    }
  } catch {
    // The connection failed, or no response arrived in time.
    return unanswered;
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

async function outcomeOf(response: Response, clock: Clock): Promise<SendOutcome> {
  const { status, headers } = response;
  if (response.ok) {
    const rejected = rejectedCount(await answerOf(response), headers.get("content-type"));
    return { ...unanswered, result: "accepted", rejected, status };
  }
  discard(response);
  if (retryableStatus.has(status)) {
    const asked = retryAfterMs(headers.get("retry-after"), clock()) ?? 0;
    return { ...unanswered, status, retryAfterMs: asked };
  }
  const isRedirect = status >= 300 && status < 400;
  return { ...unanswered, result: isRedirect ? "redirected" : "rejected", status };
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

/** Maximum pause for `Retry-After`. Longer values are reduced to it. */
const maxRetryAfterMs = 300_000;

/**
 * Returns the milliseconds to wait after an attempt. The delay doubles with each attempt. Half of it is random.
 *
 * @param attempt Counts from 1.
 */
export function backoffMs(
  attempt: number,
  random: () => number,
  firstDelayMs: number,
  maxDelayMs: number,
): number {
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
