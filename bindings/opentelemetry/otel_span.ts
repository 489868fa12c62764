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
  /** Whether the native span keeps a limited number of bytes. */
  readonly #hasBudget: boolean;
  /** Each key once, from {@link maxAttributes} written ones on. */
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
    this.#hasBudget = writer.byteBudget ?? telemetry.runtime.capabilities.byteBudget;
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
      const isPlain = Object.getPrototypeOf(attributes) === Object.prototype;
      const own = isPlain ? attributes : { ...attributes };
      // A read of the current for-in key is fast: V8 takes its position from the object's shape.
      for (const key in own) this.#set(key, own[key]);
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
    try {
      const { writer } = this;
      if (this.#cut > 0) writer.setAttribute("isotel.cut_attributes_count", this.#cut);
      if (this.#dropped > 0) writer.setAttribute("otel.dropped_attributes_count", this.#dropped);
      const at = unixMsOf(time);
      if (at === undefined || writer.endAt === undefined) writer.end();
      else writer.endAt(at);
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
    }
    this.#ended = true;
  }

  #write(write: (writer: SpanWriter) => void): void {
    if (!this.#ended) this.#telemetry.guard(() => write(this.writer));
  }

  #set(key: string, value: ApiValue | null | undefined): void {
    const { writer } = this;
    if (key === "") return;
    // The size of the value, or a little more, and not more than a native span certainly keeps.
    let size: number;
    switch (typeof value) {
      case "number":
      case "boolean":
        size = scalarBytes;
        break;
      case "string":
        size = maxBytesPerUnit * value.length;
        if (value.length > shortUnits && this.#hasBudget) size = utf8Length(value);
        break;
      default:
        this.#setList(key, value);
        return;
    }
    if (!this.#hasRoomFor(key)) return;
    if (this.#hasBudget) this.#setWithin(key, value, size);
    else writer.setAttribute(key, value);
  }

  #setList(key: string, value: unknown): void {
    if (!Array.isArray(value) || !isValue(value) || !this.#hasRoomFor(key)) return;
    // Copied, because the caller may change the list later.
    const list = [...value] as unknown as AttributeValue;
    const hasLists = this.#telemetry.runtime.capabilities.lists;
    if (hasLists && !this.#hasBudget) {
      this.writer.setAttribute(key, list);
      return;
    }
    const json = JSON.stringify(value);
    const size = utf8Length(json);
    if (size <= this.#roomFor(key)) this.#setWithin(key, hasLists ? list : json, size);
    else this.#leaveOut(key, hasLists ? list : json);
  }

  /** Returns whether the span may have the attribute. Counts it if not. */
  #hasRoomFor(key: string): boolean {
    const { keys } = this.writer;
    if (keys === undefined || keys.length < maxAttributes) return true;
    this.#keys ??= new Set(keys);
    if (this.#keys.size >= maxAttributes && !this.#keys.has(key)) {
      this.#dropped += 1;
      return false;
    }
    this.#keys.add(key);
    return true;
  }

  /** Returns how many bytes of a value the native span still keeps. */
  #roomFor(key: string): number {
    return Math.min(this.#bytesLeft - maxBytesPerUnit * key.length, Abi.maxValueBytes);
  }

  /** Sets an attribute of a native span. What does not fit into its bytes still reaches OTLP. */
  #setWithin(key: string, value: AttributeValue, size: number): void {
    const { writer } = this;
    const room = this.#roomFor(key);
    if (size <= room) {
      this.#bytesLeft -= maxBytesPerUnit * key.length + size;
      writer.setAttribute(key, value);
    } else if (typeof value === "string" && room >= minCutBytes) {
      // Half of the rest stays for later attributes, such as the usage at the end of a model call.
      const kept = Math.min(room, Math.max(this.#bytesLeft >> 1, minCutBytes));
      this.#bytesLeft -= maxBytesPerUnit * key.length + kept;
      this.#cut += 1;
      writer.setAttribute(key, cutToBytes(value, kept), value);
    } else this.#leaveOut(key, value);
  }

  #leaveOut(key: string, value: AttributeValue): void {
    this.#dropped += 1;
    this.writer.setUntruncated?.(key, value);
  }
}

function contextOf(writer: SpanWriter): ApiSpanContext | undefined {
  const context = writer.spanContext?.();
  const { traceState = "" } = writer;
  return context && traceState !== ""
    ? { ...context, traceState: createTraceState(traceState) }
    : context;
}
