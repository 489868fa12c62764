import {
  type Span as ApiSpan,
  type Tracer as ApiTracer,
  type Context,
  context as contextApi,
  createContextKey,
  isSpanContextValid,
  type SpanOptions,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { openUnder, type RemoteParent, type SpanWriter } from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { OtelSpan, unixMsOf } from "./otel_span.ts";

/** The key with which OpenTelemetry's SDK suppresses tracing in a context. */
const suppressKey = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
/** A kind of the API is one less than its code in OTLP. */
const kindOffset = 1;

/** Makes tracers whose spans are spans of isotel. */
export class OtelTracerProvider implements TracerProvider {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  getTracer(name: string, version?: string): ApiTracer {
    return new OtelTracer(this.#telemetry, name, version);
  }
}

class OtelTracer implements ApiTracer {
  readonly #telemetry: Telemetry;
  readonly #scope: Readonly<Record<string, string>>;

  constructor(telemetry: Telemetry, name: string, version: string | undefined) {
    this.#telemetry = telemetry;
    this.#scope = {
      ...(name && { "otel.scope.name": name }),
      ...(version && { "otel.scope.version": version }),
    };
  }

  startSpan(name: string, options: SpanOptions = {}, given?: Context): ApiSpan {
    const context = given ?? contextApi.active();
    const suppressed = context.getValue(suppressKey) === true;
    const writer = suppressed
      ? undefined
      : this.#telemetry.guard(() => this.#open(name, options, context));
    if (writer === undefined) {
      const parent = options.root === true ? undefined : trace.getSpanContext(context);
      return trace.wrapSpanContext(parent ?? invalid);
    }
    const span = new OtelSpan(this.#telemetry, writer, true);
    span.setAttributes(this.#scope);
    if (options.attributes !== undefined) span.setAttributes(options.attributes);
    for (const link of options.links ?? []) span.addLink(link);
    return span;
  }

  startActiveSpan<F extends (span: ApiSpan) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const run = rest.at(-1) as (span: ApiSpan) => ReturnType<F>;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const parent = (rest.length > 2 ? (rest[1] as Context) : undefined) ?? contextApi.active();
    const span = this.startSpan(name, options, parent);
    return contextApi.with(trace.setSpan(parent, span), run, undefined, span);
  }

  #open(name: string, options: SpanOptions, context: Context): SpanWriter {
    const { runtime } = this.#telemetry;
    const outer = options.root === true ? undefined : trace.getSpan(context);
    const parent = outer instanceof OtelSpan ? outer.writer : undefined;
    // The native runtime has no kinds, times and remote parents.
    if (runtime.startDetachedSpan === undefined) return openUnder(runtime, name, parent);
    return runtime.startDetachedSpan(name, {
      startUnixMs: unixMsOf(options.startTime),
      kind: (options.kind ?? 0) + kindOffset,
      parent,
      remoteParent: parent === undefined ? remoteOf(outer) : undefined,
      parents: "given",
      links: [],
    });
  }
}

const invalid = { traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 };

function remoteOf(span: ApiSpan | undefined): RemoteParent | undefined {
  const parent = span?.spanContext();
  if (parent === undefined || !isSpanContextValid(parent)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = parent;
  return { traceId, spanId, traceFlags, traceState: traceState?.serialize() ?? "" };
}
