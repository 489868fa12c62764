import { errorType, isCancellation } from "../base/cause.ts";
import { Abi, Field, Operation, Outcome, operationKinds } from "../core/abi.gen.ts";
import type { Core, SpanOwner } from "../core/core.ts";
import { type FieldValues, noFields, SpanFields } from "../core/span_fields.ts";
import type { InvocationScope } from "./invocation_scope.ts";
import type { Attributes, AttributeValue, SpanContext, SpanWriter } from "./span_runtime.ts";
import type { Telemetry } from "./telemetry.ts";
import { AttributeWriter, type Redact } from "./user_attributes.ts";

/** A span as user code sees it. All methods are silent once the span has ended, and none throws. */
export interface TracerSpan {
  /** Whether anything records this span. Values for it need not be computed where it is false. */
  readonly isTraced: boolean;
  /** Sets one attribute; undefined sets none. */
  setAttribute(key: string, value: AttributeValue | undefined): void;
  /** Sets attributes. At most 128 a span; what is beyond is dropped and counted. */
  setAttributes(attributes: Attributes): void;
  /** Sets the status. "ok" is final, "error" overrides "unset". */
  setStatus(status: "ok" | "error"): void;
  /** Trace and span id, where the runtime tells them. */
  spanContext(): SpanContext | undefined;
  /** Ends the span. */
  finish(attributes?: Attributes): void;
  /**
   * Ends the span with the cause of its failure: status error and error.type, or the mark of a cancellation for an
   * AbortError. Messages are never recorded.
   */
  fail(cause: unknown): void;
}

/** The span given to code that nothing records. */
export const untracedSpan: TracerSpan = Object.freeze({
  isTraced: false,
  setAttribute() {},
  setAttributes() {},
  setStatus() {},
  spanContext: () => undefined,
  finish() {},
  fail() {},
});

/** What a span is opened with. */
export interface SpanOptions {
  /** A code of {@link Operation}. */
  readonly operation: number;
  /** A code of {@link Profile}. */
  readonly profile: number;
  readonly parent?: Span | undefined;
  /** Ends no later than the body of its invocation scope. */
  readonly bounded: boolean;
  /** Output may arrive in chunks, and the time to the first is told. */
  readonly hasChunks?: boolean;
  /** Replaces every text before it leaves. */
  readonly redact?: Redact | undefined;
}

/** A recording span: its handle in the core and its writer in the runtime. */
export class Span extends AttributeWriter implements TracerSpan, SpanOwner {
  readonly profile: number;
  readonly scope: InvocationScope | undefined;
  readonly bounded: boolean;
  /** Whether the span feeds metrics and no trace. Then only attributes that are labels of metrics need be computed. */
  readonly isMeasuredOnly: boolean;
  /** Whether nobody will ever end the span: it then ends with its invocation, bounded or not. */
  isAbandoned: (() => boolean) | undefined;
  /** Ends the span in place of {@link truncate}, for who has more to write. */
  onTruncate: (() => void) | undefined;
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
    writer.setKind?.(operationKinds[options.operation] ?? 0);
    core.owners[handle & (Abi.maxSpanSlots - 1)] = this;
  }

  /**
   * A span on an open writer, or undefined when a limit was reached or there is no core.
   *
   * @param isMeasuredOnly whether the span feeds metrics and no trace.
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
      // A span of another request.
      this.#telemetry.countSwallowed(cause);
      return false;
    }
  }

  setAttribute(key: string, value: AttributeValue | undefined): void {
    // What is no text may not even convert to one.
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
      // A getter of the caller's or the runtime's writer threw.
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

  /** Ends the span because its invocation is over. */
  truncate(): void {
    const { onTruncate } = this;
    this.onTruncate = undefined;
    if (onTruncate !== undefined) this.#attempt(onTruncate);
    if (this.isOpen) this.close(Outcome.truncated);
  }

  /** An empty field set of this span: fill it, then start or close the span with it. */
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

  /** Notes that the first output has arrived. */
  firstChunk(): void {
    this.core.firstChunk(this.handle, this.#telemetry.clock());
  }

  /** Notes that output after the first has arrived. */
  nextChunk(): void {
    if (this.core.isMeasuring) this.core.nextChunk(this.handle, this.#telemetry.clock());
  }

  /** Writes the finish attributes from the fields and ends the span, cancelled or failed. */
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
    // A span that was evicted finds its slot taken by another.
    if (this.core.owners[slot] === this) this.core.owners[slot] = undefined;
    if (capabilities.status && status > Abi.statusUnset) {
      const code = status === Abi.statusOk ? "ok" : "error";
      this.#attempt(() => this.writer.setStatus?.({ code }));
    }
    try {
      this.writer.end();
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
    }
  }

  /** Runs `body` with this span active, where the runtime can do that after the span was opened. */
  activate<T>(body: () => T): T {
    if (!this.isOpen || this.isMeasuredOnly) return body();
    return this.#telemetry.runtime.withActiveSpan(this.writer, body);
  }

  /** Writes an attribute the core has decided on. */
  write(key: string, value: AttributeValue, whole?: AttributeValue): void {
    const asText = typeof value === "object" && !this.#telemetry.runtime.capabilities.lists;
    this.writer.setAttribute(key, asText ? JSON.stringify(value) : value, whole);
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
