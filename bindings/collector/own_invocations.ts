import type { SpanRuntime } from "../trace/span_runtime.ts";

const maxSpans = 256;

/**
 * Finds out which Worker this is. Nobody tells a Worker its name, but where it is traced its invocations have spans: whose
 * onset has one of them is this Worker.
 */
export class OwnInvocations {
  readonly #runtime: SpanRuntime;
  readonly #spanIds = new Set<string>();
  #scriptName: string | undefined;

  constructor(runtime: SpanRuntime) {
    this.#runtime = runtime;
  }

  /** Notes the invocation that runs. Never throws. */
  note(): void {
    try {
      const active = this.#runtime.activeSpan();
      const spanId = active?.isTraced === true ? active.spanContext?.()?.spanId : undefined;
      if (spanId === undefined) return;
      if (this.#spanIds.size >= maxSpans) {
        for (const oldest of this.#spanIds) {
          this.#spanIds.delete(oldest);
          break;
        }
      }
      this.#spanIds.add(spanId);
    } catch {
      // A runtime that does not tell: what is excluded has to be said.
    }
  }

  /** Whether an invocation is one of this Worker. */
  has({ spanId, scriptName }: TailStream.Onset): boolean {
    if (this.#spanIds.has(spanId)) {
      this.#scriptName ??= scriptName;
      return true;
    }
    return scriptName !== undefined && scriptName === this.#scriptName;
  }
}
