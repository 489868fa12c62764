import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import { addContext, contextHeaders, isEmpty } from "../../trace/tracer.ts";
import type { PropagateTo } from "../pipeline/options.ts";
import type { CompositeRuntime } from "./composite_runtime.ts";

type Fetch = typeof fetch;

/** Returns whether the option `propagateTo` matches a URL. */
function propagates(to: PropagateTo | undefined, url: URL): boolean {
  if (to === undefined) return false;
  if (typeof to === "function") return to(url) === true;
  return to.some((entry) => {
    if (typeof entry !== "string") return new RegExp(entry).test(url.href);
    const isBelow = entry.startsWith("*.") && url.hostname.endsWith(entry.slice(1));
    return isBelow || entry === url.hostname || entry === url.host;
  });
}

/**
 * Returns a `fetch` that adds the headers `traceparent` and `tracestate` of the active span for the hosts of
 * `propagateTo`. Does not change requests to other hosts or requests that already have a `traceparent`.
 *
 * @param original Sends the requests. Default: the global `fetch` at the time of the call.
 * @param settings Returns the option `propagateTo` at the time of the call.
 */
export function makeTracedFetch(
  original: Fetch | undefined,
  runtime: CompositeRuntime,
  settings: () => PropagateTo | undefined,
): Fetch {
  return (input: RequestInfo | URL, init?: RequestInit) => {
    const send = original ?? globalThis.fetch;
    let headers: Headers | undefined;
    try {
      headers = tracedHeaders(runtime, settings(), input, init);
    } catch (cause) {
      // Either `fetch` will refuse the URL or the headers, or a function in `propagateTo` threw.
      reportOnce(`isotel: a request was sent without a trace context (${errorType(cause)}).`);
    }
    return headers === undefined ? send(input, init) : send(input, { ...init, headers });
  };
}

function tracedHeaders(
  runtime: CompositeRuntime,
  to: PropagateTo | undefined,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
): Headers | undefined {
  if (to === undefined) return undefined;
  const context = contextHeaders(runtime);
  if (isEmpty(context)) return undefined;
  const isRequest = input instanceof Request;
  if (!propagates(to, new URL(isRequest ? input.url : String(input)))) return undefined;
  const headers = new Headers(init?.headers ?? (isRequest ? input.headers : undefined));
  return addContext(headers, context) ? headers : undefined;
}
