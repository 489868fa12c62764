import { flueModule } from "#flue-module";
import type { FlueContext, FlueEvent } from "./event.ts";
import { FlueCoreHost } from "./flue_core_host.ts";
import { type FlueCallbacks, FlueObserver } from "./flue_observer.ts";
import { globalTracer, type OtelContext, type OtelTracer } from "./otel_types.ts";
import { TracerSink } from "./tracer_sink.ts";

export interface OpenTelemetryObserverOptions extends FlueCallbacks<OtelContext> {
  /**
   * The tracer that gets the spans. Without one it is that of the globally registered OpenTelemetry provider; without
   * such a provider nothing is recorded.
   */
  readonly tracer?: OtelTracer | undefined;
}

/** What Flue's `observe()` takes. It never throws. */
export interface FlueObserve {
  (event: FlueEvent, ctx: FlueContext): void;
  /** Ends every open span as interrupted. */
  endAll(): void;
  /** Counts of spans that are open, of what was dropped, given up and swallowed. */
  diagnostics(): Readonly<Record<string, number>>;
}

const tracerName = "isotel/flue";

/**
 * Turns Flue's events into OpenTelemetry spans, for `observe()` of `@flue/runtime`: of workflows, operations, turns of
 * the model, tools, delegated tasks and compactions, and log records as span events. Events of version 1 and 3.
 *
 * Content leaves only as `exportContent` gives it back. Spans without a parent of Flue's begin a trace, unless
 * `resolveRootContext` places them.
 */
export function createOpenTelemetryObserver(
  options: OpenTelemetryObserverOptions = {},
): FlueObserve {
  const { tracer } = options;
  const sink = new TracerSink(() => {
    const found = tracer ?? globalTracer(tracerName);
    if (found === undefined) throw new Error("isotel: no OpenTelemetry provider is registered");
    return found;
  });
  const observer = new FlueObserver(new FlueCoreHost(() => flueModule), sink, options);
  return Object.assign((event: FlueEvent, ctx: FlueContext): void => observer.observe(event, ctx), {
    endAll: () => observer.endAll(),
    diagnostics: () => observer.diagnostics(),
  });
}
