import type { FlueAttributes } from "../../../bindings/flue/events/attributes.ts";
import type { SpanEnd } from "../../../bindings/flue/events/failure.ts";
import type { SpanSink, SpanStart } from "../../../bindings/flue/sinks/span_sink.ts";
import type { SpanLog } from "../../../bindings/trace/span_runtime.ts";

/** A span as the recording sink keeps it. */
export interface RecordedFlueSpan {
  readonly start: SpanStart<RecordedFlueSpan, unknown>;
  readonly events: {
    readonly name: string;
    readonly unixMs: number;
    readonly attributes: FlueAttributes;
  }[];
  /** Undefined while the span is open. */
  end: SpanEnd | undefined;
  /** How often it was ended; more than once is a fault. */
  ends: number;
}

/** A sink that keeps its spans in memory, for tests. */
export class RecordingSink implements SpanSink<RecordedFlueSpan, unknown> {
  /** Every span opened, in that order. */
  readonly spans: RecordedFlueSpan[] = [];
  /** Every log record. */
  readonly logs: { readonly record: SpanLog; readonly span: RecordedFlueSpan | undefined }[] = [];
  /** Every span ended, in that order. */
  readonly ended: RecordedFlueSpan[] = [];

  open(start: SpanStart<RecordedFlueSpan, unknown>): RecordedFlueSpan {
    const span: RecordedFlueSpan = { start, events: [], end: undefined, ends: 0 };
    this.spans.push(span);
    return span;
  }

  addEvent(span: RecordedFlueSpan, name: string, unixMs: number, attributes: FlueAttributes): void {
    span.events.push({ name, unixMs, attributes });
  }

  emitLog(record: SpanLog, span: RecordedFlueSpan | undefined): void {
    this.logs.push({ record, span });
  }

  end(span: RecordedFlueSpan, end: SpanEnd): void {
    span.end = end;
    span.ends += 1;
    this.ended.push(span);
  }
}
