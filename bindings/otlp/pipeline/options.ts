import type { BackendOptions } from "../backends/backend.ts";
import type { ResourceOptions } from "../backends/resource.ts";
import type { TailSampling } from "./sampling.ts";

/** Hosts that are sent the trace's ids: names, `*.` before one for all beneath it, patterns for the whole address. */
export type PropagateTo = readonly (string | RegExp)[] | ((url: URL) => boolean);

/** Tells the route of a request, such as `/users/:id`. */
export type RouteOf = (request: Request) => string | undefined;

/** What does not depend on the backend. */
export interface ExportOptions extends ResourceOptions {
  /** The share of traces that is recorded, 0 to 1; 1 unless given. A trace that another process began goes on as it is. */
  readonly sampleRatio?: number | undefined;
  /** Decides about a trace's spans in this isolate once they have ended; all are kept unless given. */
  readonly tail?: TailSampling | undefined;
  /** Hosts that `tracedFetch` tells of the active span. */
  readonly propagateTo?: PropagateTo | undefined;
  /** Whether invocations get a span; unless given, those whose trace the runtime does not tell. */
  readonly invocationSpan?: boolean | undefined;
  /** The route of a request for `http.route`, such as `/users/:id`. */
  readonly route?: RouteOf | undefined;
  /**
   * Names of query parameters that stay in addresses, such as `["page"]`. Default: none. The value of one that commonly
   * holds a secret, such as `token`, becomes `REDACTED`.
   */
  readonly keepQueryParameters?: readonly string[] | undefined;
}

/** Where spans and log records go: one backend, or several at once. */
export type OtlpOptions = ExportOptions &
  (BackendOptions | { readonly backends: readonly BackendOptions[] });
