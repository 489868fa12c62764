import { currentCall, followCalls } from "../ai/calls/current_call.ts";
import { errorType } from "../base/cause.ts";
import { reportOnce } from "../base/report_once.ts";
import { isSpanId, isThenable, isTraceId } from "../base/values.ts";
import type { SpanContext, SpanWriter } from "../trace/span_runtime.ts";

/** Ids that may be told to others; undefined for those of a span that nobody records. */
function validContext(context: SpanContext | undefined): SpanContext | undefined {
  if (context === undefined) return undefined;
  return isTraceId(context.traceId) && isSpanId(context.spanId) ? context : undefined;
}

/** Ids of the active span of `tracing` of `cloudflare:workers`, where it is recorded and the runtime tells them. */
export function activeSpanContext(tracing: unknown): SpanContext | undefined {
  try {
    const native = tracing as { getActiveSpan?(): SpanWriter | undefined } | undefined;
    const span = native?.getActiveSpan?.();
    return span?.isTraced === true ? validContext(span.spanContext?.()) : undefined;
  } catch {
    // A span of another request.
    return undefined;
  }
}

type Fetch = typeof fetch;
type Pair = readonly [name: string, value: string];

export const traceIdHeader = "cf-aig-otel-trace-id";
export const parentSpanIdHeader = "cf-aig-otel-parent-span-id";

/**
 * A `fetch` that tells a gateway of the span a request belongs to, and that span of the gateway's answer. It adds two
 * headers to requests beneath `root` that have neither, and nothing to any other.
 *
 * @param original sends the requests; the global `fetch` of that moment unless given.
 * @param active ids of the span that is active where no request of the AI SDK is traced. Must not throw.
 */
export function gatewayFetch(
  root: string,
  original: Fetch | undefined,
  active: () => SpanContext | undefined,
): Fetch {
  followCalls();
  return (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const send = original ?? globalThis.fetch;
    if (!addressOf(input).startsWith(`${root}/`)) return send(input, init);
    const call = currentCall();
    const answer = sendTraced(send, input, init, validContext(call?.spanContext()) ?? active());
    if (call === undefined || !isThenable(answer)) return answer;
    return answer.then((response) => {
      try {
        call.noteHeaders(response.headers);
      } catch {
        // A response of the caller's own making.
      }
      return response;
    });
  };
}

function addressOf(input: unknown): string {
  if (typeof input === "string") return input;
  if (input instanceof URL) return input.href;
  return input instanceof Request ? input.url : "";
}

function sendTraced(
  send: Fetch,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  context: SpanContext | undefined,
): Promise<Response> {
  if (context === undefined) return send(input, init);
  const added: readonly Pair[] = [
    [traceIdHeader, context.traceId],
    [parentSpanIdHeader, context.spanId],
  ];
  let traced: RequestInit | undefined;
  try {
    traced = withHeaders(input, init, added);
  } catch (cause) {
    // What `fetch` refuses too, with its own words.
    reportOnce(`isotel: a request to AI Gateway carries no trace ids (${errorType(cause)}).`);
  }
  return send(input, traced ?? init);
}

/** What to send in place of `init`; undefined where the caller has said it all. */
function withHeaders(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  added: readonly Pair[],
): RequestInit | undefined {
  // Options need not be a plain object: those of a Request stand on its prototype.
  const options = init !== undefined && !isPlain(init) ? copyOf(init) : init;
  const headers = options?.headers ?? (input instanceof Request ? input.headers : {});
  const present = new Headers(headers);
  if (added.some(([name]) => present.has(name))) return undefined;
  return { ...options, headers: merged(headers, added) };
}

/** The same kind of headers with some more: a `fetch` of the caller's may look for its own. */
function merged(headers: HeadersInit, added: readonly Pair[]): HeadersInit {
  if (headers instanceof Headers) {
    const copy = new Headers(headers);
    for (const [name, value] of added) copy.set(name, value);
    return copy;
  }
  if (isPlain(headers)) return { ...headers, ...Object.fromEntries(added) };
  return [...(headers as Iterable<[string, string]>), ...added] as [string, string][];
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Everything enumerable, inherited or not, as `fetch` would read it. */
function copyOf(init: RequestInit): RequestInit {
  const copy: Record<string, unknown> = {};
  for (const key in init) copy[key] = (init as Readonly<Record<string, unknown>>)[key];
  return copy as RequestInit;
}
