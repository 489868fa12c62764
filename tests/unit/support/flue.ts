import { FlueCoreHost, type FlueCoreOptions } from "../../../bindings/flue/core/flue_core.ts";
import type { FlueContext } from "../../../bindings/flue/events/event.ts";
import type {
  OtelContext,
  OtelSpan,
  OtelSpanContext,
  OtelSpanOptions,
  OtelTracer,
} from "../../../bindings/flue/sinks/otel_types.ts";
import type { ReferenceSpan } from "../../flue/recordings.ts";
import { compile, readModule } from "../../wasm/support/module.ts";

/** The module of the build under test. */
export const flueModule: WebAssembly.Module = compile(readModule("flue"));

export function newHost(options: FlueCoreOptions = {}): FlueCoreHost {
  return new FlueCoreHost(() => flueModule, options);
}

/** The context of a recorded event: only identifiers were recorded. */
export const noContext: FlueContext = {};

const spanKey = Symbol.for("OpenTelemetry Context Key SPAN");

/** A tracer of OpenTelemetry's shape that keeps what it is told, in the form of the reference spans. */
export class KeepingTracer implements OtelTracer {
  /** In the order in which they ended. */
  readonly ended: ReferenceSpan[] = [];
  #spans = 0;

  startSpan(name: string, options: OtelSpanOptions, context: OtelContext): OtelSpan {
    this.#spans += 1;
    const parent = context.getValue(spanKey) as OtelSpan | undefined;
    const spanId = this.#spans.toString(16).padStart(16, "0");
    const traceId = parent?.spanContext().traceId ?? spanId.padStart(32, "0");
    const identity: OtelSpanContext = { traceId, spanId, traceFlags: 1 };
    const { ended } = this;
    const attributes: Record<string, unknown> = { ...options.attributes };
    const events: ReferenceSpan["events"][number][] = [];
    let status: ReferenceSpan["status"] = { code: 0 };
    return {
      spanContext: () => identity,
      setAttributes: (more) => Object.assign(attributes, more),
      addEvent: (eventName, more, time) => events.push({ name: eventName, time, attributes: more }),
      setStatus: (to) => {
        status = to;
      },
      recordException: ({ name: type, message, stack }, time) => {
        const told = {
          ...(type !== undefined && { "exception.type": type }),
          ...(message !== undefined && { "exception.message": message }),
          ...(stack !== undefined && { "exception.stacktrace": stack }),
        };
        events.push({ name: "exception", time, attributes: told });
      },
      end: (end) => {
        ended.push({
          name,
          kind: options.kind,
          ...identity,
          parentSpanId: parent?.spanContext().spanId,
          start: options.startTime,
          end,
          status,
          attributes,
          events,
          links: options.links?.map((link) => link.context) ?? [],
        });
      },
    };
  }
}

/** A context with a span of another process as the parent, from a traceparent header. */
export function remoteParent(context: OtelContext, traceparent: string): OtelContext {
  const [, traceId = "", spanId = ""] = traceparent.split("-");
  return context.setValue(spanKey, { spanContext: () => ({ traceId, spanId, traceFlags: 1 }) });
}
