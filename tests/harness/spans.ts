/** A span as the runtime reported it: an invocation of a handler, or a span inside one. */
export interface Span {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly traceId: string;
  readonly invocationId: string;
  readonly isInvocation: boolean;
  readonly startMs: number;
  /** The end of the span. For a span that never closed, the end of its invocation. */
  readonly endMs: number;
  readonly durationMs: number;
  /** When the last byte of the response was sent. Undefined for other spans and for invocations without a response. */
  readonly respondedMs: number | undefined;
  readonly status: "unset" | "ok" | "error";
  readonly statusMessage: string | undefined;
  readonly outcome: string;
  /** Whether the runtime reported the end of the span. A span without an end has lost its attributes. */
  readonly closed: boolean;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly exceptions: readonly { readonly name: string; readonly message: string }[];
  readonly logs: readonly string[];
}

export type AttributeValue = string | number | boolean | readonly (string | number | boolean)[];

/** A tail event as the collector serves it: dates are ISO strings and integers are numbers. */
export type CollectedEvent = Json<TailStream.TailEvent<TailStream.EventType>>;

type Json<T> = T extends Date
  ? string
  : T extends bigint
    ? number
    : T extends object
      ? { [K in keyof T]: Json<T[K]> }
      : T;

type OpenSpan = { -readonly [K in keyof Span]: Span[K] } & {
  attributes: Record<string, AttributeValue>;
  exceptions: { name: string; message: string }[];
  logs: string[];
};

/** Returns the spans in the order in which they opened. Ignores events of invocations without an onset. */
export function spansFromEvents(events: readonly CollectedEvent[]): Span[] {
  const spans = new Map<string, OpenSpan>();
  const ends = new Map<string, number>();
  // Sequence numbers count within an invocation, and each event concerns only its invocation.
  for (const collected of [...events].sort((a, b) => a.sequence - b.sequence)) {
    const { event, invocationId } = collected;
    const timeMs = Date.parse(collected.timestamp);
    const subject = spans.get(`${invocationId}/${collected.spanContext.spanId}`);
    switch (event.type) {
      case "onset":
      case "spanOpen": {
        const isInvocation = event.type === "onset";
        const name = isInvocation ? invocationName(event) : event.name;
        const span = openSpan(collected, event.spanId, name, isInvocation, timeMs);
        spans.set(`${invocationId}/${event.spanId}`, span);
        if (isInvocation) {
          addAttributes(span, event.attributes ?? []);
        }
        break;
      }
      case "attributes":
        addAttributes(subject, event.info);
        break;
      case "spanUpdate":
        update(subject, event.info);
        break;
      case "exception":
        subject?.exceptions.push({ name: event.name, message: event.message });
        break;
      case "log":
        subject?.logs.push(
          typeof event.message === "string" ? event.message : JSON.stringify(event.message),
        );
        break;
      case "return":
        if (subject !== undefined) subject.respondedMs = timeMs;
        break;
      case "spanClose":
      case "outcome":
        if (event.type === "outcome") {
          ends.set(invocationId, timeMs);
        }
        if (subject !== undefined) {
          subject.closed = true;
          subject.outcome = event.outcome;
          subject.endMs = timeMs;
        }
        break;
    }
  }
  for (const span of spans.values()) {
    span.endMs = span.closed ? span.endMs : (ends.get(span.invocationId) ?? span.startMs);
    span.durationMs = span.endMs - span.startMs;
  }
  return [...spans.values()];
}

/** Returns the number of events that the runtime dropped because they came faster than the collector took them. */
export function droppedEvents(events: readonly CollectedEvent[]): number {
  let dropped = 0;
  for (const { event } of events) {
    dropped += event.type === "streamDiagnostic" ? event.diagnostic.count : 0;
  }
  return dropped;
}

function invocationName(onset: Json<TailStream.Onset>): string {
  const { info } = onset;
  const what = info.type === "fetch" ? `${info.method} ${new URL(info.url).pathname}` : info.type;
  return onset.entrypoint === undefined ? what : `${onset.entrypoint}: ${what}`;
}

function openSpan(
  { spanContext, invocationId }: CollectedEvent,
  spanId: string,
  name: string,
  isInvocation: boolean,
  timeMs: number,
): OpenSpan {
  return {
    name,
    spanId,
    parentSpanId: spanContext.spanId,
    traceId: spanContext.traceId,
    invocationId,
    isInvocation,
    startMs: timeMs,
    endMs: timeMs,
    durationMs: 0,
    respondedMs: undefined,
    status: "unset",
    statusMessage: undefined,
    outcome: "unknown",
    closed: false,
    attributes: {},
    exceptions: [],
    logs: [],
  };
}

function addAttributes(
  span: OpenSpan | undefined,
  attributes: readonly Json<TailStream.Attribute>[],
): void {
  for (const { name, value } of span === undefined ? [] : attributes) {
    (span as OpenSpan).attributes[name] = value;
  }
}

function update(span: OpenSpan | undefined, info: Json<TailStream.SpanUpdateInfo>): void {
  if (span === undefined) {
    return;
  }
  if (info.type === "name") {
    span.name = info.name;
  } else {
    span.status = info.status.code;
    span.statusMessage = info.status.message;
  }
}
