import type {
  AttributeValue,
  SpanContext,
  SpanLog,
  SpanRuntime,
  SpanWriter,
  StatusCode,
} from "../../trace/span_runtime.ts";
import type { ParentSpan } from "../core/model.ts";
import type { SpanGroup } from "../pipeline/span_group.ts";
import { type ActiveContext, activeContext } from "./context.ts";
import { emitSpanLog } from "./log_record.ts";

/**
 * A native span with status and list attributes. The composite runtime offers both because OTLP has them. This class
 * emulates them if the native runtime lacks them.
 */
export class NativeWriter implements SpanWriter {
  readonly original: SpanWriter;
  readonly #runtime: SpanRuntime;

  constructor(original: SpanWriter, runtime: SpanRuntime) {
    this.original = original;
    this.#runtime = runtime;
  }

  get isTraced(): boolean {
    return this.original.isTraced;
  }

  setAttribute(key: string, value: AttributeValue): void {
    const asText = typeof value === "object" && !this.#runtime.capabilities.lists;
    this.original.setAttribute(key, asText ? JSON.stringify(value) : value);
  }

  setStatus(status: { code: StatusCode; message?: string }): void {
    if (this.#runtime.capabilities.status) this.original.setStatus?.(status);
    else this.original.setAttribute("otel.status_code", status.code.toUpperCase());
  }

  updateName(name: string): void {
    this.original.updateName?.(name);
  }

  recordException(exception: unknown): void {
    this.original.recordException?.(exception);
  }

  spanContext(): SpanContext | undefined {
    return this.original.spanContext?.();
  }

  end(): void {
    this.original.end();
  }
}

/** A span of a trace that OTLP does not record. OTLP does not record its descendants either. */
export class UnrecordedSpan extends NativeWriter implements ActiveContext {
  readonly group: SpanGroup;
  readonly parent: ParentSpan | undefined;

  constructor(original: SpanWriter, runtime: SpanRuntime, { group, parent }: ActiveContext) {
    super(original, runtime);
    this.group = group;
    this.parent = parent;
  }

  /** The ids of the trace that is not recorded, so that other services do not record it either. */
  override spanContext(): SpanContext | undefined {
    if (this.parent === undefined) return super.spanContext();
    const { traceId, spanId, flags: traceFlags } = this.parent;
    return { traceId, spanId, traceFlags };
  }

  get traceState(): string {
    return this.parent?.traceState ?? "";
  }

  emitLog(log: SpanLog): void {
    emitSpanLog(this, log);
    const { pipeline } = this.group;
    // Outside of an invocation no end of a span triggers a flush of this trace.
    if (activeContext.getStore() === undefined) pipeline.hold(pipeline.flushSoon(), undefined);
  }
}
