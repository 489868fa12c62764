import { AsyncLocalStorage } from "node:async_hooks";
import type { SpanGroup } from "../pipeline/span_group.ts";
import { sampledFlag } from "../trace_flags.ts";

/** A span that others may be children of. */
export interface ParentSpan {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** W3C trace flags. */
  readonly flags: number;
  /** The W3C tracestate; empty for none. */
  readonly traceState: string;
  /** Whether it is a span of another process. */
  readonly isRemote: boolean;
}

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

export function isSampled({ flags }: Pick<ParentSpan, "flags">): boolean {
  return (flags & sampledFlag) !== 0;
}
