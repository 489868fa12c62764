import type { SpanRuntime } from "../trace/span_runtime.ts";

const maxTraces = 256;

/**
 * Recognizes the invocations of this Worker. Without this, a Worker that is its own tail consumer would run forever,
 * because each invocation causes another one.
 *
 * A Worker cannot read its own name. This class therefore opens a span to read the trace id of the current invocation.
 * The onset with this trace id contains the name. Until the name is found, a traced Worker treats every tail Worker as
 * itself.
 */
export class OwnInvocations {
  readonly #runtime: SpanRuntime;
  readonly #traceIds = new Set<string>();
  #scriptName: string | undefined;
  /** Whether an invocation of a tail Worker was seen. It may be this Worker. */
  #isAsking = false;

  constructor(runtime: SpanRuntime) {
    this.#runtime = runtime;
  }

  /** Returns whether an invocation is one of this Worker. Call this in the invocation that receives its onset. */
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

  /** Remembers the trace of the current invocation. Returns whether it has one. */
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
      // The runtime does not report trace ids. The user has to exclude this Worker.
      return false;
    }
  }
}
