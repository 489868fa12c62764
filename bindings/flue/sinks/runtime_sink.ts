import { SpanKind } from "../../otlp/core/model.ts";
import type {
  DetachedSpanOptions,
  RemoteParent,
  SpanLog,
  SpanRuntime,
  SpanWriter,
  StatusCode,
} from "../../trace/span_runtime.ts";
import { openUnder } from "../../trace/span_runtime.ts";
import { type Fit, SpanAttributes } from "../core/span_attributes.ts";
import type { FlueAttributes } from "../events/attributes.ts";
import type { SpanEnd } from "../events/failure.ts";
import { exceptionAttributes } from "../events/records.ts";
import type { SpanSink, SpanStart } from "./span_sink.ts";
import { flueLog } from "./span_sink.ts";

/** A span in the runtime. It has attributes only if it is traced. */
export class RuntimeSpan {
  readonly writer: SpanWriter;
  readonly attributes: SpanAttributes | undefined;

  constructor(writer: SpanWriter, attributes: SpanAttributes | undefined) {
    this.writer = writer;
    this.attributes = attributes;
  }
}

/**
 * Opens Flue's spans in the runtime: as native spans of Workers, and in OTLP if an export is configured.
 *
 * | | native | OTLP |
 * | --- | --- | --- |
 * | parent | a span of Flue, else the active span | the same; a root span can also have a remote parent |
 * | times | the time at which the runtime received the span | the times of the events |
 * | kind, links, events | none | all |
 * | exception | if the runtime has `recordException` | an event |
 * | status | with message; `otel.status_code` on runtimes before October 2026 | with message |
 * | attributes | scalars, lists as JSON, truncated to the runtime's budget | unchanged |
 * | name | the first 64 bytes | unchanged |
 */
export class RuntimeSink implements SpanSink<RuntimeSpan, RemoteParent> {
  readonly #runtime: () => SpanRuntime;
  readonly #fit: Fit;

  /** @param runtime Called for each span, because an export may be configured after the first span. */
  constructor(runtime: () => SpanRuntime, fit: Fit) {
    this.#runtime = runtime;
    this.#fit = fit;
  }

  open(start: SpanStart<RuntimeSpan, RemoteParent>): RuntimeSpan {
    const runtime = this.#runtime();
    const writer = openSpan(runtime, start);
    if (!writer.isTraced) return new RuntimeSpan(writer, undefined);
    const attributes = new SpanAttributes(runtime.capabilities, writer, this.#fit);
    attributes.start(start.attributes);
    return new RuntimeSpan(writer, attributes);
  }

  addEvent(
    { writer }: RuntimeSpan,
    name: string,
    unixMs: number,
    attributes: FlueAttributes,
  ): void {
    writer.addEvent?.(name, unixMs, attributes);
    writer.emitLog?.(flueLog(name, unixMs, attributes));
  }

  emitLog(record: SpanLog, span: RuntimeSpan | undefined): void {
    if (span === undefined) this.#runtime().emitLog?.(record);
    else span.writer.emitLog?.(record);
  }

  end({ writer, attributes }: RuntimeSpan, end: SpanEnd): void {
    attributes?.end(end.attributes);
    if (end.failure !== undefined && attributes !== undefined) {
      if (end.isException) {
        writer.addEvent?.("exception", end.unixMs, exceptionAttributes(end));
        const { failure: message, exceptionType: name = "Error", stack } = end;
        writer.recordException?.({ name, message, ...(stack !== undefined && { stack }) });
      }
      this.#setStatus(writer, { code: "error", ...(end.failure && { message: end.failure }) });
    }
    if (writer.endAt === undefined) writer.end();
    else writer.endAt(end.unixMs);
  }

  /** Runs `body` with the span active, if the runtime supports it. */
  activate<T>({ writer }: RuntimeSpan, body: () => T): T {
    return this.#runtime().withActiveSpan(writer, body);
  }

  #setStatus(writer: SpanWriter, status: { code: StatusCode; message?: string }): void {
    if (this.#runtime().capabilities.status) writer.setStatus?.(status);
    else writer.setAttribute("otel.status_code", "ERROR");
  }
}

function openSpan(
  runtime: SpanRuntime,
  { name, unixMs, isClient, parent, root, predecessor }: SpanStart<RuntimeSpan, RemoteParent>,
): SpanWriter {
  if (runtime.startDetachedSpan === undefined) return openUnder(runtime, name, parent?.writer);
  const options: DetachedSpanOptions = {
    startUnixMs: unixMs,
    kind: isClient ? SpanKind.client : SpanKind.internal,
    parent: parent?.writer,
    remoteParent: root,
    links: predecessor === undefined ? [] : [predecessor.writer],
  };
  return runtime.startDetachedSpan(name, options);
}
