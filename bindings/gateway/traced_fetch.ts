import { currentCall, followCalls } from "../ai/calls/current_call.ts";
import { errorType } from "../base/cause.ts";
import { reportOnce } from "../base/report_once.ts";
import { isSpanId, isThenable, isTraceId } from "../base/values.ts";
import type { SpanContext, SpanWriter } from "../trace/span_runtime.ts";

/** Returns a context with valid ids. Returns undefined for the all-zero ids of a span that is not recorded. */
function validContext(context: SpanContext | undefined): SpanContext | undefined {
  if (context === undefined) return undefined;
  return isTraceId(context.traceId) && isSpanId(context.spanId) ? context : undefined;
}

/** Returns the ids of the active span of `cloudflare:workers`, if it is recorded and the runtime exposes them. */
export function activeSpanContext(tracing: unknown): SpanContext | undefined {
  try {
    const native = tracing as { getActiveSpan?(): SpanWriter | undefined } | undefined;
    const span = native?.getActiveSpan?.();
    return span?.isTraced === true ? validContext(span.spanContext?.()) : undefined;
  } catch {
    // The span belongs to another request.
    return undefined;
  }
}

type Fetch = typeof fetch;
type Pair = readonly [name: string, value: string];

export const traceIdHeader = "cf-aig-otel-trace-id";
export const parentSpanIdHeader = "cf-aig-otel-parent-span-id";

/**
 * Returns a `fetch` that sends the ids of the active span to the gateway and passes the headers of its answer to the
 * traced call. It adds two headers to requests below `root`, and to those of the REST API with `cf-aig-gateway-id`, that
 * have neither of them. Other requests stay as they are.
 *
 * @param original sends the requests. Default: the global `fetch` at the time of each request.
 * @param active returns the ids of the active span. Called when no AI SDK call is traced. Must not throw.
 */
export function gatewayFetch(
  root: string,
  original: Fetch | undefined,
  active: () => SpanContext | undefined,
): Fetch {
  followCalls();
  return (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const send = original ?? globalThis.fetch;
    if (!isForGateway(input, init, root)) return send(input, init);
    const call = currentCall();
    const answer = sendTraced(send, input, init, validContext(call?.spanContext()) ?? active());
    if (call === undefined || !isThenable(answer)) return answer;
    return answer.then((response) => {
      try {
        call.noteHeaders(response.headers);
      } catch {
        // The response is an object of a custom `fetch`.
      }
      return response;
    });
  };
}

const restAddress = /^https:\/\/api\.cloudflare\.com\/client\/v4\/accounts\/[^/?#]+\/ai\//;

/** Whether a request goes to the gateway, by its URL or through the REST API with the name of a gateway. */
function isForGateway(input: unknown, init: RequestInit | undefined, root: string): boolean {
  const address = addressOf(input);
  if (address.startsWith(`${root}/`)) return true;
  if (!restAddress.test(address)) return false;
  try {
    const headers = init?.headers ?? (input instanceof Request ? input.headers : {});
    // Reading an iterator would use it up.
    const isKept = headers instanceof Headers || Array.isArray(headers) || isPlain(headers);
    return isKept && new Headers(headers).has("cf-aig-gateway-id");
  } catch {
    return false;
  }
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
    // `fetch` rejects the same arguments with a better error.
    reportOnce(`isotel: a request to AI Gateway carries no trace ids (${errorType(cause)}).`);
  }
  return send(input, traced ?? init);
}

/** Returns options that replace `init`, or undefined if the caller has set one of the headers. */
function withHeaders(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  added: readonly Pair[],
): RequestInit | undefined {
  // `init` need not be a plain object. The properties of a Request are on its prototype.
  const options = init !== undefined && !isPlain(init) ? copyOf(init) : init;
  const headers = options?.headers ?? (input instanceof Request ? input.headers : {});
  const present = new Headers(headers);
  if (added.some(([name]) => present.has(name))) return undefined;
  return { ...options, headers: merged(headers, added) };
}

/** Adds headers and keeps their type, because a custom `fetch` may depend on it. */
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

/** Copies all enumerable properties, inherited ones too, because `fetch` reads those as well. */
function copyOf(init: RequestInit): RequestInit {
  const copy: Record<string, unknown> = {};
  for (const key in init) copy[key] = (init as Readonly<Record<string, unknown>>)[key];
  return copy as RequestInit;
}
