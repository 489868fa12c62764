import { errorType, isCancellation } from "../base/cause.ts";
import { Abi, Field, Operation, Outcome, operationKinds } from "../core/abi.gen.ts";
import type { Core, SpanOwner } from "../core/core.ts";
import { type FieldValues, noFields, SpanFields } from "../core/span_fields.ts";
import type { InvocationScope } from "./invocation_scope.ts";
import type {
  Attributes,
  AttributeValue,
  SpanContext,
  SpanLog,
  SpanWriter,
} from "./span_runtime.ts";
import type { Telemetry } from "./telemetry.ts";
import { AttributeWriter, type Redact } from "./user_attributes.ts";

/** The interface of a span for user code. No method throws. After the span has ended, its methods have no effect. */
export interface TracerSpan {
  /** Whether the span is recorded. If false, there is no need to compute values for it. */
  readonly isTraced: boolean;
  /** Sets one attribute. Undefined sets none. */
  setAttribute(key: string, value: AttributeValue | undefined): void;
  /** Sets attributes. A span takes at most 128; further attributes are dropped and counted. */
  setAttributes(attributes: Attributes): void;
  /** Sets the status. "ok" is final. "error" overrides "unset". */
  setStatus(status: "ok" | "error"): void;
  /** Returns the trace id and the span id, or undefined if the runtime does not expose them. */
  spanContext(): SpanContext | undefined;
  /** Sets the attributes, if any, and ends the span. */
  finish(attributes?: Attributes): void;
  /**
   * Ends the span as failed: sets the status to error and records error.type. An AbortError marks the span as cancelled
   * instead. Error messages are never recorded.
   */
  fail(cause: unknown): void;
}

/** The span that user code receives when nothing is recorded. */
export const untracedSpan: TracerSpan = Object.freeze({
  isTraced: false,
  setAttribute() {},
  setAttributes() {},
  setStatus() {},
  spanContext: () => undefined,
  finish() {},
  fail() {},
});

/** Options for opening a span. */
export interface SpanOptions {
  /** A code of {@link Operation}. */
  readonly operation: number;
  /** A code of {@link Profile}. */
  readonly profile: number;
  readonly parent?: Span | undefined;
  /** Whether the span ends no later than the body of its invocation scope. */
  readonly bounded: boolean;
  /** Whether output may arrive in chunks. The time to the first chunk is then recorded. */
  readonly hasChunks?: boolean;
  /** Replaces each text before it is recorded. */
  readonly redact?: Redact | undefined;
  /** A code of OTLP's span kinds. Default: that of the operation. */
  readonly kind?: number;
}

/** Observes what a span records. */
export interface SpanObserver {
  /** An attribute that the core has planned, uncut. */
  wrote(key: string, value: AttributeValue): void;
  /** All attributes are written, and the span ends next. */
  closing(): void;
}

/** A recording span: a handle in the core and a writer in the runtime. */
export class Span extends AttributeWriter implements TracerSpan, SpanOwner {
  readonly profile: number;
  readonly scope: InvocationScope | undefined;
  readonly bounded: boolean;
  /** Whether the span feeds metrics but no trace. Then only attributes that are labels of metrics need be computed. */
  readonly isMeasuredOnly: boolean;
  /** Whether no code will end the span any more. Then it ends with its invocation, even if it is not bounded. */
  isAbandoned: (() => boolean) | undefined;
  /** Replaces {@link truncate} for code that writes more attributes before the span ends. */
  onTruncate: (() => void) | undefined;
  /** Whether the messages of errors may be recorded. */
  recordsErrors = false;
  observer: SpanObserver | undefined;
  protected readonly redact: Redact | undefined;
  readonly #telemetry: Telemetry;
  readonly #operation: number;

  private constructor(
    telemetry: Telemetry,
    core: Core,
    handle: number,
    writer: SpanWriter,
    isMeasuredOnly: boolean,
    options: SpanOptions,
    scope: InvocationScope | undefined,
  ) {
    super(core, handle, writer, options.operation === Operation.custom);
    this.profile = options.profile;
    this.scope = scope;
    this.bounded = options.bounded;
    this.isMeasuredOnly = isMeasuredOnly;
    this.redact = options.redact;
    this.#telemetry = telemetry;
    this.#operation = options.operation;
    writer.setKind?.(options.kind ?? operationKinds[options.operation] ?? 0);
    core.owners[handle & (Abi.maxSpanSlots - 1)] = this;
  }

  /**
   * Opens a span on an open writer. Returns undefined if a limit is reached or there is no core.
   *
   * @param isMeasuredOnly whether the span feeds metrics but no trace.
   */
  static open(
    telemetry: Telemetry,
    writer: SpanWriter,
    isMeasuredOnly: boolean,
    options: SpanOptions,
    scope: InvocationScope | undefined,
  ): Span | undefined {
    const { core } = telemetry.host;
    if (core === undefined) return undefined;
    const { parent } = options;
    const flags =
      (options.bounded ? Abi.spanBounded : 0) |
      (isMeasuredOnly ? Abi.spanUntraced : 0) |
      ((writer.byteBudget ?? telemetry.runtime.capabilities.byteBudget) ? Abi.spanNative : 0) |
      (writer.acceptsUntruncated === true ? Abi.spanWhole : 0) |
      (options.profile << Abi.spanProfileShift);
    const handle = core.openSpan(
      options.operation,
      parent !== undefined && parent.core === core ? parent.handle : 0,
      scope === undefined ? 0 : scope.handleIn(core),
      flags,
      telemetry.startTimeOf(options.operation, options.hasChunks === true),
    );
    if (handle === 0) return undefined;
    return new Span(telemetry, core, handle, writer, isMeasuredOnly, options, scope);
  }

  get isTraced(): boolean {
    try {
      return this.isOpen && this.writer.isTraced;
    } catch (cause) {
      // The span belongs to another request.
      this.#telemetry.countSwallowed(cause);
      return false;
    }
  }

  setAttribute(key: string, value: AttributeValue | undefined): void {
    // Converting another type to a string may throw.
    if (typeof key === "string") this.setAttributes({ [key]: value });
  }

  setAttributes(attributes: Attributes): void {
    if (typeof attributes !== "object" || attributes === null || this.isMeasuredOnly) return;
    if (!this.isOpen) {
      this.noteLateWrite();
      return;
    }
    try {
      this.writeAll(attributes);
    } catch (cause) {
      // A getter of the caller's object or the runtime's writer threw.
      this.#telemetry.countSwallowed(cause);
    }
  }

  setStatus(status: "ok" | "error"): void {
    this.core.setStatus(this.handle, status === "ok" ? Abi.statusOk : Abi.statusError);
  }

  spanContext(): SpanContext | undefined {
    return this.#attempt(() => this.writer.spanContext?.());
  }

  finish(attributes?: Attributes): void {
    if (attributes !== undefined) this.setAttributes(attributes);
    this.close(Outcome.finished);
  }

  fail(cause: unknown): void {
    this.closeWithCause(cause);
  }

  /** Ends the span because its invocation has ended. */
  truncate(): void {
    const { onTruncate } = this;
    this.onTruncate = undefined;
    if (onTruncate !== undefined) this.#attempt(onTruncate);
    if (this.isOpen) this.close(Outcome.truncated);
  }

  /** Returns an empty field set for {@link start} or {@link close} of this span. */
  newFields(): SpanFields {
    const { redact } = this;
    const filter =
      redact &&
      ((field: number, value: string) => {
        const key = this.core.keyOf(this.profile, field);
        return key === "" ? undefined : redact(key, value);
      });
    return new SpanFields(filter, this.isMeasuredOnly);
  }

  /** Writes the start attributes from the fields. */
  start(fields: FieldValues): void {
    if (this.written > 0) this.settle();
    this.core.startSpan(this.handle, this.profile, fields, this);
  }

  /** Notes that the first chunk has arrived. */
  firstChunk(): void {
    this.core.firstChunk(this.handle, this.#telemetry.clock());
  }

  /** Notes that a chunk after the first has arrived. */
  nextChunk(): void {
    if (this.core.isMeasuring) this.core.nextChunk(this.handle, this.#telemetry.clock());
  }

  /** Writes the finish attributes from the fields and ends the span as cancelled or failed. */
  closeWithCause(cause: unknown, fields: SpanFields = this.newFields()): void {
    if (isCancellation(cause)) {
      this.close(Outcome.cancelled, fields);
      return;
    }
    const type = errorType(cause);
    fields.text(Field.errorType, type);
    this.#attempt(() => this.writer.recordFailure?.(type));
    this.close(Outcome.failed, fields);
  }

  /** Writes the finish attributes from the fields and ends the span. */
  close(outcome: number, fields: FieldValues = noFields): void {
    const { capabilities } = this.#telemetry.runtime;
    const status = this.core.endSpan(
      this.handle,
      outcome,
      capabilities.status ? 0 : Abi.statusAsAttribute,
      this.#telemetry.endTimeOf(this.#operation, this.core.isMeasuring),
      this.profile,
      this.written,
      this.writtenBytes,
      this.invalid,
      fields,
      this,
    );
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.core.isMeasuring && this.#operation !== Operation.custom) {
      this.#telemetry.host.onRecord();
    }
    const slot = this.handle & (Abi.maxSpanSlots - 1);
    // The slot of an evicted span may contain another span.
    if (this.core.owners[slot] === this) this.core.owners[slot] = undefined;
    if (capabilities.status && status > Abi.statusUnset) {
      const code = status === Abi.statusOk ? "ok" : "error";
      this.#attempt(() => this.writer.setStatus?.({ code }));
    }
    const { observer } = this;
    if (observer !== undefined) this.#attempt(() => observer.closing());
    try {
      this.writer.end();
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
    }
  }

  /** Runs `body` with this span active. Only runs `body` if the runtime cannot activate an open span. */
  activate<T>(body: () => T): T {
    if (!this.isOpen || this.isMeasuredOnly) return body();
    return this.#telemetry.runtime.withActiveSpan(this.writer, body);
  }

  /** Whether log records of the span are sent. */
  get emitsLogs(): boolean {
    return this.writer.emitLog !== undefined;
  }

  emitLog(log: SpanLog): void {
    this.#attempt(() => this.writer.emitLog?.(log));
  }

  /** Writes an attribute that the core has planned. */
  write(key: string, value: AttributeValue, uncut?: AttributeValue): void {
    this.observer?.wrote(key, uncut ?? value);
    const asText = typeof value === "object" && !this.#telemetry.runtime.capabilities.lists;
    this.writer.setAttribute(key, asText ? JSON.stringify(value) : value, uncut);
  }

  writeUntruncated(key: string, value: AttributeValue): void {
    this.writer.setUntruncated?.(key, value);
  }

  #attempt<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
      return undefined;
    }
  }
}
