import {
  type Attributes as ApiAttributes,
  type Span as ApiSpan,
  type SpanContext as ApiSpanContext,
  type AttributeValue as ApiValue,
  createTraceState,
  type Exception,
  INVALID_SPAN_CONTEXT,
  type Link,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
} from "@opentelemetry/api";
import { cutToBytes, utf8Length } from "../base/bytes.ts";
import { Abi } from "../core/abi.gen.ts";
import type { AttributeValue, SpanWriter } from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import {
  exceptionAttributes,
  isTime,
  isValue,
  maxAttributes,
  unixMsOf,
  validAttributes,
} from "./attribute_values.ts";

/** Bytes that the Workers runtime charges for a number or a boolean. */
const scalarBytes = 8;
const maxBytesPerUnit = 3;
/** The exact size of a longer text is measured. */
const shortUnits = 64;
/** A text that would have to be shorter is left out. */
const minCutBytes = 64;

/** A span of the OpenTelemetry API over a span of isotel's runtime. Methods have no effect after `end`. */
export class OtelSpan implements ApiSpan {
  readonly writer: SpanWriter;
  readonly #telemetry: Telemetry;
  readonly #isOwned: boolean;
  #context: ApiSpanContext | undefined;
  /** The keys that were set, maybe more than once. After {@link maxAttributes} of them, each once. */
  readonly #list: string[] = [];
  #keys: Set<string> | undefined;
  /** The rest of the bytes that the runtime keeps of a native span. */
  #bytesLeft: number = Abi.startBytes;
  #dropped = 0;
  #cut = 0;
  #isOk = false;
  #ended = false;

  /** @param isOwned whether `end` ends the span. False for a span that isotel's own code ends. */
  constructor(telemetry: Telemetry, writer: SpanWriter, isOwned: boolean) {
    this.#telemetry = telemetry;
    this.writer = writer;
    this.#isOwned = isOwned;
  }

  spanContext(): ApiSpanContext {
    this.#context ??= this.#telemetry.guard(() => contextOf(this.writer));
    return this.#context ?? INVALID_SPAN_CONTEXT;
  }

  isRecording(): boolean {
    return !this.#ended && this.writer.isTraced;
  }

  setAttribute(key: string, value: ApiValue): this {
    if (this.#ended) return this;
    try {
      this.#set(key, value);
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
    }
    return this;
  }

  setAttributes(attributes: ApiAttributes): this {
    if (this.#ended) return this;
    try {
      for (const key of Object.keys(attributes)) this.#set(key, attributes[key]);
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
    }
    return this;
  }

  addEvent(name: string, attributesOrTime?: ApiAttributes | TimeInput, time?: TimeInput): this {
    this.#write((writer) => {
      const isFirst = isTime(attributesOrTime);
      const at = isFirst && !isTime(time) ? attributesOrTime : time;
      const attributes = isFirst ? {} : validAttributes(attributesOrTime as ApiAttributes);
      writer.addEvent?.(name, unixMsOf(at) ?? this.#telemetry.clock(), attributes);
    });
    return this;
  }

  addLink({ context, attributes }: Link): this {
    this.#write((writer) => {
      const { traceId, spanId, traceFlags, traceState, isRemote = false } = context;
      const to = { traceId, spanId, traceFlags, traceState: traceState?.serialize() ?? "" };
      writer.addLink?.(to, isRemote, validAttributes(attributes));
    });
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  /** Ok is final, and Unset changes nothing. */
  setStatus({ code, message }: SpanStatus): this {
    this.#write((writer) => {
      if (code === SpanStatusCode.UNSET || this.#isOk) return;
      this.#isOk = code === SpanStatusCode.OK;
      const name = this.#isOk ? "ok" : "error";
      if (!this.#telemetry.runtime.capabilities.status) {
        writer.setAttribute("otel.status_code", name.toUpperCase());
      } else if (this.#isOk || typeof message !== "string") writer.setStatus?.({ code: name });
      else writer.setStatus?.({ code: name, message });
    });
    return this;
  }

  updateName(name: string): this {
    this.#write((writer) => writer.updateName?.(name));
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.#write((writer) => {
      const attributes = exceptionAttributes(exception);
      // The specification requires one of the two.
      if (!attributes["exception.type"] && !attributes["exception.message"]) return;
      writer.recordException?.(exception);
      writer.addEvent?.("exception", unixMsOf(time) ?? this.#telemetry.clock(), attributes);
    });
  }

  end(time?: TimeInput): void {
    if (!this.#isOwned || this.#ended) return;
    this.#write((writer) => {
      if (this.#cut > 0) writer.setAttribute("isotel.cut_attributes_count", this.#cut);
      if (this.#dropped > 0) writer.setAttribute("otel.dropped_attributes_count", this.#dropped);
      const at = unixMsOf(time);
      if (at === undefined || writer.endAt === undefined) writer.end();
      else writer.endAt(at);
    });
    this.#ended = true;
  }

  #write(write: (writer: SpanWriter) => void): void {
    if (!this.#ended) this.#telemetry.guard(() => write(this.writer));
  }

  #set(key: string, value: ApiValue | undefined): void {
    if (value === undefined || value === null || key === "" || !isValue(value)) return;
    if (!this.#hasRoomFor(key)) {
      this.#dropped += 1;
      return;
    }
    const { writer } = this;
    const { capabilities } = this.#telemetry.runtime;
    // Copied, because the caller may change the list later.
    let shown = value as AttributeValue;
    if (Array.isArray(value)) {
      shown = (capabilities.lists ? [...value] : JSON.stringify(value)) as AttributeValue;
    }
    if (!(writer.byteBudget ?? capabilities.byteBudget)) writer.setAttribute(key, shown);
    else this.#setWithin(key, shown);
  }

  /** Returns whether the span may have the attribute. Counts it. */
  #hasRoomFor(key: string): boolean {
    if (this.#keys === undefined && this.#list.length < maxAttributes) {
      this.#list.push(key);
      return true;
    }
    this.#keys ??= new Set(this.#list);
    if (this.#keys.size >= maxAttributes && !this.#keys.has(key)) return false;
    this.#keys.add(key);
    return true;
  }

  /** Sets an attribute of a native span. What does not fit into its bytes still reaches OTLP. */
  #setWithin(key: string, value: AttributeValue): void {
    const { writer } = this;
    const keyBytes = maxBytesPerUnit * key.length;
    const room = Math.min(this.#bytesLeft - keyBytes, Abi.maxValueBytes);
    const size = sizeOf(value);
    if (size <= room) {
      this.#bytesLeft -= keyBytes + size;
      writer.setAttribute(key, value);
    } else if (typeof value === "string" && room >= minCutBytes) {
      this.#bytesLeft -= keyBytes + room;
      this.#cut += 1;
      writer.setAttribute(key, cutToBytes(value, room), value);
    } else {
      this.#dropped += 1;
      writer.setUntruncated?.(key, value);
    }
  }
}

/** Returns the bytes of a value, or a little more. */
function sizeOf(value: AttributeValue): number {
  if (typeof value === "object") return utf8Length(JSON.stringify(value));
  if (typeof value !== "string") return scalarBytes;
  return value.length <= shortUnits ? maxBytesPerUnit * value.length : utf8Length(value);
}

function contextOf(writer: SpanWriter): ApiSpanContext | undefined {
  const context = writer.spanContext?.();
  const { traceState = "" } = writer;
  return context && traceState !== ""
    ? { ...context, traceState: createTraceState(traceState) }
    : context;
}
