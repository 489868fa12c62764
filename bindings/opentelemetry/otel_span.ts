import {
  type Attributes as ApiAttributes,
  type Span as ApiSpan,
  type SpanContext as ApiSpanContext,
  type AttributeValue as ApiValue,
  type Exception,
  type Link,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
} from "@opentelemetry/api";
import type { Attributes, AttributeValue, SpanWriter } from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";

/** Default limit of OpenTelemetry for the attributes of a span, an event and a link. */
const maxAttributes = 128;
const invalidContext: ApiSpanContext = {
  traceId: "0".repeat(32),
  spanId: "0".repeat(16),
  traceFlags: 0,
};

/** A span of the OpenTelemetry API over a span of isotel's runtime. Methods have no effect after `end`. */
export class OtelSpan implements ApiSpan {
  readonly writer: SpanWriter;
  readonly #telemetry: Telemetry;
  readonly #isOwned: boolean;
  readonly #keys = new Set<string>();
  #dropped = 0;
  #isOk = false;
  #ended = false;

  /** @param isOwned whether `end` ends the span. False for a span that isotel's own code ends. */
  constructor(telemetry: Telemetry, writer: SpanWriter, isOwned: boolean) {
    this.#telemetry = telemetry;
    this.writer = writer;
    this.#isOwned = isOwned;
  }

  spanContext(): ApiSpanContext {
    return this.#telemetry.guard(() => this.writer.spanContext?.()) ?? invalidContext;
  }

  isRecording(): boolean {
    return !this.#ended && this.writer.isTraced;
  }

  setAttribute(key: string, value: ApiValue): this {
    this.#write((writer) => {
      if (value === undefined || value === null || key === "" || !isValue(value)) return;
      if (!this.#keys.has(key) && this.#keys.size >= maxAttributes) {
        this.#dropped += 1;
        return;
      }
      this.#keys.add(key);
      writer.setAttribute(key, this.#shown(value));
    });
    return this;
  }

  setAttributes(attributes: ApiAttributes): this {
    for (const [key, value] of Object.entries(attributes))
      this.setAttribute(key, value as ApiValue);
    return this;
  }

  addEvent(name: string, attributesOrTime?: ApiAttributes | TimeInput, time?: TimeInput): this {
    this.#write((writer) => {
      const isTime = isTimeInput(attributesOrTime);
      const at = isTime ? attributesOrTime : time;
      const attributes = isTime ? {} : attributesOf(attributesOrTime);
      writer.addEvent?.(name, unixMsOf(at) ?? this.#telemetry.clock(), attributes);
    });
    return this;
  }

  addLink({ context, attributes }: Link): this {
    this.#write((writer) => {
      const { traceId, spanId, traceFlags, traceState, isRemote = false } = context;
      const to = { traceId, spanId, traceFlags, traceState: traceState?.serialize() ?? "" };
      writer.addLink?.(to, isRemote, attributesOf(attributes));
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
      writer.recordException?.(exception);
      const attributes: Record<string, AttributeValue> = {};
      if (typeof exception === "string") attributes["exception.message"] = exception;
      else {
        const { code, name, message, stack } = exception;
        const type = code === undefined ? name : String(code);
        if (type) attributes["exception.type"] = type;
        if (message) attributes["exception.message"] = message;
        if (stack) attributes["exception.stacktrace"] = stack;
      }
      writer.addEvent?.("exception", unixMsOf(time) ?? this.#telemetry.clock(), attributes);
    });
  }

  end(time?: TimeInput): void {
    if (!this.#isOwned || this.#ended) return;
    this.#write((writer) => {
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

  #shown(value: ApiValue): AttributeValue {
    if (!Array.isArray(value)) return value as AttributeValue;
    const list = [...value];
    return (
      this.#telemetry.runtime.capabilities.lists ? list : JSON.stringify(list)
    ) as AttributeValue;
  }
}

/**
 * Returns a time in Unix milliseconds. A number that `performance.now()` has reached is a time of that clock, as in
 * OpenTelemetry's SDK.
 */
export function unixMsOf(time: TimeInput | undefined): number | undefined {
  if (time === undefined || time === null) return undefined;
  if (Array.isArray(time)) return time[0] * 1e3 + time[1] / 1e6;
  if (time instanceof Date) return time.getTime();
  return time <= performance.now() ? performance.timeOrigin + time : time;
}

function isTimeInput(value: unknown): value is TimeInput {
  return typeof value === "number" || value instanceof Date || Array.isArray(value);
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function isValue(value: unknown): boolean {
  if (!Array.isArray(value)) return isScalar(value);
  const items = value.filter((item) => item !== null && item !== undefined);
  return items.every((item) => isScalar(item) && typeof item === typeof items[0]);
}

function attributesOf(attributes: ApiAttributes | undefined): Attributes {
  const valid = Object.entries(attributes ?? {}).filter(([, value]) => isValue(value));
  return Object.fromEntries(valid.slice(0, maxAttributes)) as Attributes;
}
