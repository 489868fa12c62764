import { FlueAbi, FlueSpanType } from "./abi.gen.ts";
import { spanRow } from "./actions.ts";
import { emptyPlan } from "./attributes.ts";
import { reportSwallowed } from "./failure.ts";
import type { FlueCoreHost } from "./flue_core.ts";
import type { SpanSink } from "./span_sink.ts";

const number = FlueSpanType.coordinator;

/**
 * The spans of the framework's own work around an agent, of which no event tells: each lasts as long as a promise. Never
 * throws.
 */
export class Coordination<Span, Root> {
  readonly #host: FlueCoreHost;
  readonly #sink: SpanSink<Span, Root>;
  readonly #now: () => number;
  readonly #open = new Set<Span>();
  /** Errors of the sink that were kept from the program. */
  swallowed = 0;

  constructor(host: FlueCoreHost, sink: SpanSink<Span, Root>, now: () => number = Date.now) {
    this.#host = host;
    this.#sink = sink;
    this.#now = now;
  }

  /** Opens a span under what is active, with attributes from `about`; undefined where that fails. */
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

  /** Ends a span of {@link open}, unless it has been. */
  end(span: Span, hasFailed: boolean): void {
    if (!this.#open.delete(span)) return;
    this.#end(span, FlueAbi.end, hasFailed);
  }

  /** Ends every span as interrupted. */
  endAll(): void {
    const spans = [...this.#open];
    this.#open.clear();
    for (const span of spans) this.#end(span, FlueAbi.interrupt, true);
  }

  #end(span: Span, verb: number, hasFailed: boolean): void {
    try {
      this.#sink.end(span, {
        unixMs: this.#now(),
        attributes: this.#attributes(verb, {}),
        failure: hasFailed ? "" : undefined,
        isException: false,
      });
    } catch (cause) {
      this.swallowed += 1;
      reportSwallowed(cause);
    }
  }

  #attributes(verb: number, about: object) {
    const plan = this.#host.attempt((core) => core.plan(FlueAbi.v3, verb, number), emptyPlan);
    return plan.read({ type: "", ...about }, undefined);
  }
}
