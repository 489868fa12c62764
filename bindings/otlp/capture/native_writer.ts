import type {
  AttributeValue,
  SpanContext,
  SpanRuntime,
  SpanWriter,
  StatusCode,
} from "../../trace/span_runtime.ts";

/**
 * A span of the runtime beneath, as one that has a status and lists: the runtime above has them, for OTLP's sake,
 * whether the one beneath does or not.
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
