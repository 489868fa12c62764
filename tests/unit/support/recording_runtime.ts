import { AsyncLocalStorage } from "node:async_hooks";
import type {
  AttributeValue,
  SpanRuntime,
  SpanWriter,
  StatusCode,
} from "../../../bindings/trace/span_runtime.ts";

/** A span as the recording runtime keeps it. */
export interface RecordedSpan {
  readonly id: number;
  /** 0 for a root. */
  readonly parentId: number;
  name: string;
  readonly attributes: Map<string, AttributeValue>;
  status: StatusCode;
  ended: boolean;
  /** `setAttribute` calls after `end()`. */
  lateWrites: number;
}

/** How the recording runtime differs from one that can do everything. */
export interface RecordingOptions {
  /** Whether spans are traced; true unless given. */
  readonly traced?: boolean;
  /** Whether spans have a status; true unless given. */
  readonly status?: boolean;
  /** Whether the byte budget of the Workers runtime applies; false unless given. */
  readonly byteBudget?: boolean;
}

/** A runtime that keeps its spans in memory, for tests and for benchmarks outside of workerd. */
export class RecordingRuntime implements SpanRuntime {
  readonly capabilities: SpanRuntime["capabilities"];
  /** Every span opened, in that order. */
  readonly spans: RecordedSpan[] = [];
  readonly #traced: boolean;
  readonly #active = new AsyncLocalStorage<RecordingWriter>();

  constructor(options: RecordingOptions = {}) {
    this.#traced = options.traced ?? true;
    this.capabilities = {
      spans: true,
      status: options.status ?? true,
      activation: true,
      identity: true,
      activeSpan: true,
      lists: true,
      byteBudget: options.byteBudget ?? false,
    };
  }

  startActiveSpan<T>(name: string, body: (writer: SpanWriter) => T): T {
    const writer = new RecordingWriter(
      {
        id: this.spans.length + 1,
        parentId: this.#active.getStore()?.span.id ?? 0,
        name,
        attributes: new Map(),
        status: "unset",
        ended: false,
        lateWrites: 0,
      },
      this.#traced,
    );
    if (this.#traced) this.spans.push(writer.span);
    return this.#active.run(writer, () => body(writer));
  }

  startSpan(name: string): SpanWriter {
    return this.startActiveSpan(name, (writer) => writer);
  }

  withActiveSpan<T>(writer: SpanWriter, body: () => T): T {
    return this.#active.run(writer as RecordingWriter, body);
  }

  activeSpan(): SpanWriter | undefined {
    return this.#active.getStore();
  }
}

class RecordingWriter implements SpanWriter {
  readonly span: RecordedSpan;
  readonly #traced: boolean;

  constructor(span: RecordedSpan, traced: boolean) {
    this.span = span;
    this.#traced = traced;
  }

  get isTraced(): boolean {
    return this.#traced && !this.span.ended;
  }

  setAttribute(key: string, value: AttributeValue): void {
    if (this.span.ended) this.span.lateWrites += 1;
    else this.span.attributes.set(key, value);
  }

  setStatus({ code }: { code: StatusCode }): void {
    if (!this.span.ended) this.span.status = code;
  }

  updateName(name: string): void {
    if (!this.span.ended) this.span.name = name;
  }

  spanContext() {
    return {
      traceId: "0".repeat(31).concat("1"),
      spanId: this.span.id.toString(16).padStart(16, "0"),
      traceFlags: this.#traced ? 1 : 0,
    };
  }

  end(): void {
    this.span.ended = true;
  }
}
