import type { SpanLog, SpanRuntime, SpanWriter } from "../../trace/span_runtime.ts";
import { emitSpanLog } from "../logs/log_record.ts";
import type { SpanGroup } from "../pipeline/span_group.ts";
import { type ActiveContext, activeContext, type ParentSpan } from "./context.ts";
import { NativeWriter } from "./native_writer.ts";

/** A span of a trace that OTLP does not want: nothing below it is wanted either. */
export class UnrecordedSpan extends NativeWriter implements ActiveContext {
  readonly group: SpanGroup;
  readonly parent: ParentSpan | undefined;

  constructor(original: SpanWriter, runtime: SpanRuntime, { group, parent }: ActiveContext) {
    super(original, runtime);
    this.group = group;
    this.parent = parent;
  }

  emitLog(log: SpanLog): void {
    emitSpanLog(this, log);
    const { pipeline } = this.group;
    // Outside of any invocation nothing of this trace will end and send it.
    if (activeContext.getStore() === undefined) pipeline.hold(pipeline.flushSoon(), undefined);
  }
}
