import { AsyncLocalStorage } from "node:async_hooks";
import {
  emptyContext,
  type OtelContext,
  type OtelContexts,
  type OtelSpan,
  spanIn,
  withSpan,
} from "../../../bindings/flue/sinks/otel_types.ts";
import type { KeepingTracer } from "./flue.ts";

/** What OpenTelemetry's own context managers are: a context for each chain of asynchronous work. */
export class AsyncContexts implements OtelContexts {
  readonly #storage = new AsyncLocalStorage<OtelContext>();

  active(): OtelContext {
    return this.#storage.getStore() ?? emptyContext;
  }

  with<T>(context: OtelContext, work: () => T): T {
    return this.#storage.run(context, work);
  }

  /** The identifier of the active span. */
  get spanId(): string | undefined {
    return spanIn(this.active())?.spanContext().spanId;
  }

  withSpan<T>(span: OtelSpan, work: () => T): T {
    return this.with(withSpan(this.active(), span), work);
  }
}

const time: [number, number] = [0, 0];

/** A span of the application's own: a child of the active one, ended at once. */
export function makeSpan(tracer: KeepingTracer, contexts: OtelContexts, name: string): OtelSpan {
  const options = { kind: 0, startTime: time, attributes: {} };
  const span = tracer.startSpan(name, options, contexts.active());
  span.end(time);
  return span;
}
