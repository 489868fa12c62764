import { AsyncLocalStorage } from "node:async_hooks";
import type { ParentSpan } from "../core/model.ts";
import type { SpanGroup } from "../pipeline/span_group.ts";

/** Where spans and log records made now belong. */
export interface ActiveContext {
  readonly group: SpanGroup;
  /** Undefined where no span is active: the next one begins a trace. */
  readonly parent: ParentSpan | undefined;
}

/** An AsyncLocalStorage without Node's types, which the project of a Worker need not have. */
export interface ContextStore {
  getStore(): ActiveContext | undefined;
  run<T>(context: ActiveContext, body: () => T): T;
}

/** Carries the active span of OTLP, whatever the runtime's tracing can do. */
export const activeContext: ContextStore = new AsyncLocalStorage<ActiveContext>();
