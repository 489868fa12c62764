import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import type { ParentSpan } from "../core/model.ts";
import { setParent } from "../core/propagation.ts";
import type { PropagateTo } from "../pipeline/options.ts";
import type { CompositeRuntime } from "./composite_runtime.ts";
import { activeContext } from "./context.ts";

type Fetch = typeof fetch;

/** Whether an address is one of those. */
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
 * A `fetch` that tells chosen hosts of the active span in the headers `traceparent` and `tracestate`. Requests that
 * have a `traceparent` already, and all others, are left as they are.
 *
 * @param original sends the requests; the global `fetch` of that moment unless given.
 * @param settings of the moment of a request.
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
      // An address or headers that fetch itself will refuse, or a function of the caller's that throws.
      reportOnce(`isotel: a request carries no trace context (${errorType(cause)}).`);
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
  const parent: ParentSpan | undefined = activeContext.getStore()?.parent ?? runtime.nativeParent();
  if (parent === undefined) return undefined;
  const isRequest = input instanceof Request;
  if (!propagates(to, new URL(isRequest ? input.url : String(input)))) return undefined;
  const headers = new Headers(init?.headers ?? (isRequest ? input.headers : undefined));
  if (headers.has("traceparent")) return undefined;
  setParent(headers, parent);
  return headers;
}
