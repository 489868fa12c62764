import { nativeTracing } from "#workers";
import { nativeRuntime } from "../../trace/native_runtime.ts";
import { providedTelemetry } from "../../trace/provided_telemetry.ts";
import type { RemoteParent, SpanLog, SpanRuntime } from "../../trace/span_runtime.ts";
import type { FlueCoreHost } from "../core/flue_core.ts";
import type { Fit } from "../core/span_attributes.ts";
import type { FlueAttributes } from "../events/attributes.ts";
import type { SpanEnd } from "../events/failure.ts";
import { globalTracer, type OtelContext, type OtelTracer, spanContextIn } from "./otel_types.ts";
import { RuntimeSink, RuntimeSpan } from "./runtime_sink.ts";
import type { SpanSink, SpanStart } from "./span_sink.ts";
import { type OtelEnvironment, type TracedSpan, TracerSink } from "./tracer_sink.ts";

type ChosenSpan = TracedSpan | RuntimeSpan;

const tracerName = "isotel/flue";

/**
 * The sink for spans without a tracer option. A root span goes to the tracer of the global OpenTelemetry provider if
 * there is one, otherwise to the runtime. Its descendants go to the same place.
 */
export class ChosenSink implements SpanSink<ChosenSpan, OtelContext> {
  readonly #runtime: RuntimeSink;
  #tracer: OtelTracer | undefined;
  readonly #traced: TracerSink;

  constructor(runtime: RuntimeSink, environment?: OtelEnvironment) {
    this.#runtime = runtime;
    this.#traced = new TracerSink(() => this.#tracer as OtelTracer, environment);
  }

  open(start: SpanStart<ChosenSpan, OtelContext>): ChosenSpan {
    const { parent, predecessor, root } = start;
    const isTraced = parent === undefined ? this.#findTracer() : !(parent instanceof RuntimeSpan);
    // The predecessor may be in the other sink, if the provider was registered after it opened.
    if (isTraced) {
      return this.#traced.open({
        ...start,
        parent: parent instanceof RuntimeSpan ? undefined : parent,
        predecessor: predecessor instanceof RuntimeSpan ? undefined : predecessor,
      });
    }
    return this.#runtime.open({
      ...start,
      parent: parent instanceof RuntimeSpan ? parent : undefined,
      predecessor: predecessor instanceof RuntimeSpan ? predecessor : undefined,
      root: root && remoteParentIn(root),
    });
  }

  addEvent(span: ChosenSpan, name: string, unixMs: number, attributes: FlueAttributes): void {
    if (span instanceof RuntimeSpan) this.#runtime.addEvent(span, name, unixMs, attributes);
    else this.#traced.addEvent(span, name, unixMs, attributes);
  }

  emitLog(record: SpanLog, span: ChosenSpan | undefined): void {
    if (span instanceof RuntimeSpan) this.#runtime.emitLog(record, span);
    else if (span !== undefined || this.#traced.hasLogger) this.#traced.emitLog(record, span);
    else this.#runtime.emitLog(record, undefined);
  }

  end(span: ChosenSpan, end: SpanEnd): void {
    if (span instanceof RuntimeSpan) this.#runtime.end(span, end);
    else this.#traced.end(span, end);
  }

  activate<T>(span: ChosenSpan, work: () => T): T {
    if (span instanceof RuntimeSpan) return this.#runtime.activate(span, work);
    return this.#traced.activate(span, work);
  }

  /**
   * Runs `work` in a remote context. The runtime cannot activate a span of another process. There, only the spans of
   * Flue continue its trace.
   */
  activateRoot<T>(root: OtelContext, work: () => T): T {
    return this.#findTracer() ? this.#traced.activateRoot(root, work) : work();
  }

  /** Returns the active context. In the runtime, a root span becomes a child of the active span without it. */
  active(): OtelContext | undefined {
    return this.#findTracer() ? this.#traced.active() : undefined;
  }

  #findTracer(): boolean {
    this.#tracer = globalTracer(tracerName);
    return this.#tracer !== undefined;
  }
}

function remoteParentIn(context: OtelContext): RemoteParent | undefined {
  const identity = spanContextIn(context);
  if (identity === undefined) return undefined;
  const { traceId, spanId, traceFlags, traceState } = identity;
  return { traceId, spanId, traceFlags, ...(traceState && { traceState: traceState.serialize() }) };
}

/** A sink whose span type is unknown. */
type AnySink = SpanSink<unknown, OtelContext>;

/** Returns the sink of a tracer, or a sink that chooses for each root span. */
export function sinkFor(
  tracer: OtelTracer | undefined,
  host: FlueCoreHost,
  environment?: OtelEnvironment,
): AnySink {
  if (tracer !== undefined) return new TracerSink(() => tracer, environment) as AnySink;
  const fit: Fit = (sizes, availableBytes) =>
    host.attempt((core) => core.fit(sizes, availableBytes), []);
  return new ChosenSink(new RuntimeSink(currentRuntime, fit), environment) as AnySink;
}

let own: SpanRuntime | undefined;

/**
 * Returns the runtime of this isolate's telemetry, with its export. Returns the native runtime if the program does not
 * import the telemetry.
 */
function currentRuntime(): SpanRuntime {
  const telemetry = providedTelemetry();
  if (telemetry !== undefined) return telemetry.runtime;
  own ??= nativeRuntime(nativeTracing);
  return own;
}
