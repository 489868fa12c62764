import { AsyncLocalStorage } from "node:async_hooks";
import { shared } from "../../base/shared.ts";
import type { ParentSpan } from "../core/model.ts";
import type { SpanGroup } from "../pipeline/span_group.ts";

/** The group and the parent of new spans and log records. */
export interface ActiveContext {
  readonly group: SpanGroup;
  /** Undefined if no span is active. The next span then begins a trace. */
  readonly parent: ParentSpan | undefined;
  /** A span that the next span links to. */
  readonly link?: ParentSpan | undefined;
  /** Set if the next span begins a trace even inside a native span. */
  readonly detached?: {
    /** The span to link to. */
    readonly from: ParentSpan | undefined;
    /** Whether the trace is outside of an invocation, so that its end is the end of the group. */
    readonly endsGroup: boolean;
  };
}

/** The part of AsyncLocalStorage that isotel uses. A Worker's project may lack the types of Node. */
export interface ContextStore {
  getStore(): ActiveContext | undefined;
  run<T>(context: ActiveContext, body: () => T): T;
}

/** Carries the active span of OTLP. It does not depend on the tracing API of the runtime. */
export const activeContext: ContextStore = shared(
  "active context",
  () => new AsyncLocalStorage<ActiveContext>(),
);
