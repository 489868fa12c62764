import { FlueAbi, FlueSpanType } from "./abi.gen.ts";
import type { FlueCoreHost } from "./core/flue_core.ts";
import { spanRow } from "./core/span_ops.ts";
import { emptyPlan } from "./events/attributes.ts";
import { reportSwallowed } from "./events/failure.ts";
import type { SpanSink } from "./sinks/span_sink.ts";

const number = FlueSpanType.coordinator;

/**
 * Opens spans for the work of the framework around an agent, which has no events. The span of a piece of work ends when
 * its promise settles. Never throws.
 */
export class Coordination<Span, Root> {
  readonly #host: FlueCoreHost;
  readonly #sink: SpanSink<Span, Root>;
  readonly #now: () => number;
  readonly #open = new Set<Span>();
  /** Number of errors of the sink that were not thrown to the program. */
  swallowed = 0;

  constructor(host: FlueCoreHost, sink: SpanSink<Span, Root>, now: () => number = Date.now) {
    this.#host = host;
    this.#sink = sink;
    this.#now = now;
  }

  /** Opens a span under the active one, with attributes from `about`. Returns undefined on failure. */
  open(about: object): Span | undefined {
    try {
      const span = this.#sink.open({
        name: spanRow(number).prefix,
        isClient: false,
        unixMs: this.#now(),
        attributes: this.#attributes(FlueAbi.open, about),
        parent: undefined,
        root: this.#sink.active?.(),
        predecessor: undefined,
      });
      this.#open.add(span);
      return span;
    } catch (cause) {
      this.swallowed += 1;
      reportSwallowed(cause);
      return undefined;
    }
  }

  /** Ends a span of {@link open}. Does nothing if it has already ended. */
  end(span: Span, hasFailed: boolean): void {
    if (!this.#open.delete(span)) return;
    this.#end(span, FlueAbi.end, hasFailed);
  }

  /** Ends all spans as interrupted. */
  endAll(): void {
    const spans = [...this.#open];
    this.#open.clear();
    for (const span of spans) this.#end(span, FlueAbi.interrupt, true);
  }

  #end(span: Span, code: number, hasFailed: boolean): void {
    try {
      this.#sink.end(span, {
        unixMs: this.#now(),
        attributes: this.#attributes(code, {}),
        failure: hasFailed ? "" : undefined,
        isException: false,
      });
    } catch (cause) {
      this.swallowed += 1;
      reportSwallowed(cause);
    }
  }

  #attributes(code: number, about: object) {
    const plan = this.#host.attempt((core) => core.plan(FlueAbi.v3, code, number), emptyPlan);
    return plan.read({ type: "", ...about }, undefined);
  }
}
