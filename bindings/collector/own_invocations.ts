import type { SpanRuntime } from "../trace/span_runtime.ts";

const maxTraces = 256;

/**
 * Finds out which Worker this is, or one that is followed by itself would never come to rest: each invocation would be
 * told of by another. Nobody tells a Worker its name, but what it opens a span in is a trace of its own, and the onset
 * that has it tells the name. As long as a Worker that is traced has not found itself, any tail Worker may be it.
 */
export class OwnInvocations {
  readonly #runtime: SpanRuntime;
  readonly #traceIds = new Set<string>();
  #scriptName: string | undefined;
  /** Whether invocations of a tail Worker were seen: this may be it. */
  #isAsking = false;

  constructor(runtime: SpanRuntime) {
    this.#runtime = runtime;
  }

  /** Whether an invocation is one of this Worker. To be asked in the one that is told of it. */
  has({ spanContext: { traceId }, event }: TailStream.TailEvent<TailStream.Onset>): boolean {
    const { scriptName, info } = event;
    if (scriptName !== undefined && scriptName === this.#scriptName) return true;
    if (info?.type !== "trace") {
      if (this.#isAsking && this.#scriptName === undefined) this.#note();
      return false;
    }
    if (this.#scriptName !== undefined) return false;
    this.#isAsking = true;
    if (this.#traceIds.delete(traceId)) this.#scriptName = scriptName;
    return this.#note();
  }

  /** Notes the trace of the invocation that runs; whether it has one. */
  #note(): boolean {
    try {
      const span = this.#runtime.startSpan("collect");
      const traceId = span.isTraced ? span.spanContext?.()?.traceId : undefined;
      span.end();
      if (traceId === undefined) return false;
      this.#traceIds.add(traceId);
      for (const oldest of this.#traceIds) {
        if (this.#traceIds.size <= maxTraces) break;
        this.#traceIds.delete(oldest);
      }
      return true;
    } catch {
      // A runtime that does not tell: what is to be left alone has to be said.
      return false;
    }
  }
}
