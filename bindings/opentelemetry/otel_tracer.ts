import {
  type Span as ApiSpan,
  type Tracer as ApiTracer,
  type Context,
  context as contextApi,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type SpanContext,
  type SpanOptions,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import {
  openUnder,
  type RemoteParent,
  type SpanRuntime,
  type SpanScope,
  type SpanWriter,
  setNativeScope,
} from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { unixMsOf } from "./attribute_values.ts";
import { OtelSpan } from "./otel_span.ts";
import { isSuppressed } from "./suppressed.ts";

/** A kind of the API is one less than its code in OTLP. */
const kindOffset = 1;

/** Makes tracers whose spans are spans of isotel. */
export class OtelTracerProvider implements TracerProvider {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  getTracer(name: string, version?: string): ApiTracer {
    return new OtelTracer(this.#telemetry, { name: name ?? "", version: version ?? "" });
  }
}

class OtelTracer implements ApiTracer {
  readonly #telemetry: Telemetry;
  readonly #scope: SpanScope;

  constructor(telemetry: Telemetry, scope: SpanScope) {
    this.#telemetry = telemetry;
    this.#scope = scope;
  }

  startSpan(name: string, options: SpanOptions = {}, given?: Context): ApiSpan {
    const context = given ?? contextApi.active();
    if (isSuppressed(context)) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
    const outer = options.root === true ? undefined : trace.getSpan(context);
    const writer = this.#open(name, options, outer);
    // Without a recorded span, the context of the parent travels on, as without a provider.
    if (writer === undefined || !(writer.isTraced || writer.spanContext?.())) {
      return trace.wrapSpanContext(validContext(outer) ?? INVALID_SPAN_CONTEXT);
    }
    const span = new OtelSpan(this.#telemetry, writer, true);
    if (options.attributes) span.setAttributes(options.attributes);
    if (options.links) span.addLinks(options.links);
    return span;
  }

  startActiveSpan<F extends (span: ApiSpan) => unknown>(
    name: string,
    first: SpanOptions | F,
    second?: Context | F,
    third?: F,
  ): ReturnType<F> {
    const run = (third ?? second ?? first) as (span: ApiSpan) => ReturnType<F>;
    const options = second === undefined ? undefined : (first as SpanOptions);
    const parent = (third === undefined ? undefined : (second as Context)) ?? contextApi.active();
    const span = this.startSpan(name, options, parent);
    return contextApi.with(trace.setSpan(parent, span), run, undefined, span);
  }

  #open(name: string, options: SpanOptions, outer: ApiSpan | undefined): SpanWriter | undefined {
    try {
      return this.#openIn(this.#telemetry.runtime, name, options, outer);
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
      return undefined;
    }
  }

  #openIn(
    runtime: SpanRuntime,
    name: string,
    options: SpanOptions,
    outer: ApiSpan | undefined,
  ): SpanWriter {
    const parent = outer instanceof OtelSpan ? outer.writer : undefined;
    // The native runtime has no kinds, times and remote parents.
    if (runtime.startDetachedSpan === undefined) {
      const writer = openUnder(runtime, name, parent);
      setNativeScope(writer, this.#scope);
      return writer;
    }
    return runtime.startDetachedSpan(name, {
      startUnixMs: unixMsOf(options.startTime),
      kind: (options.kind ?? 0) + kindOffset,
      parent,
      remoteParent: parent === undefined ? remoteOf(outer) : undefined,
      parents: "given",
      links: [],
      scope: this.#scope,
    });
  }
}

function validContext(span: ApiSpan | undefined): SpanContext | undefined {
  const context = span?.spanContext();
  return context !== undefined && isSpanContextValid(context) ? context : undefined;
}

function remoteOf(span: ApiSpan | undefined): RemoteParent | undefined {
  const parent = validContext(span);
  if (parent === undefined) return undefined;
  const { traceId, spanId, traceFlags, traceState } = parent;
  return { traceId, spanId, traceFlags, traceState: traceState?.serialize() ?? "" };
}
