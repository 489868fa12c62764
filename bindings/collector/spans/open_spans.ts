import type { CollectedSpan } from "./collected_span.ts";

/** Most invocations have fewer open spans. */
const maxRecent = 16;

/**
 * The open spans of an invocation. The most recent ones are searched linearly, the latest first. A map would hash every
 * id, because each event has a new string for it.
 */
export class OpenSpans {
  readonly #recent: CollectedSpan[] = [];
  /** The spans that were opened before the recent ones. */
  #older: Map<string, CollectedSpan> | undefined;

  get size(): number {
    return this.#recent.length + (this.#older?.size ?? 0);
  }

  get(spanId: string): CollectedSpan | undefined {
    const recent = this.#recent;
    for (let i = recent.length - 1; i >= 0; i -= 1) {
      const span = recent[i] as CollectedSpan;
      if (span.spanId === spanId) return span;
    }
    return this.#older?.get(spanId);
  }

  add(span: CollectedSpan): void {
    const recent = this.#recent;
    recent.push(span);
    if (recent.length <= maxRecent) return;
    const oldest = recent.shift() as CollectedSpan;
    this.#older ??= new Map();
    this.#older.set(oldest.spanId, oldest);
  }

  delete(span: CollectedSpan): void {
    const recent = this.#recent;
    if (recent.at(-1) === span) {
      recent.pop();
      return;
    }
    const at = recent.lastIndexOf(span);
    if (at < 0) this.#older?.delete(span.spanId);
    else recent.splice(at, 1);
  }

  /** Returns the spans in the order in which they were opened. */
  all(): CollectedSpan[] {
    return [...(this.#older?.values() ?? []), ...this.#recent];
  }
}
