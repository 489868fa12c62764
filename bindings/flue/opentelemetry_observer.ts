import { compiledModule } from "#wasm/flue";
import { providedTelemetry } from "../trace/provided_telemetry.ts";
import { sinkFor } from "./chosen_sink.ts";
import type { FlueContext, FlueEvent } from "./event.ts";
import { FlueCoreHost } from "./flue_core.ts";
import { FlueMetrics } from "./flue_metrics.ts";
import { type FlueCallbacks, FlueObserver } from "./flue_observer.ts";
import type { OtelContext, OtelLogger, OtelTracer } from "./otel_types.ts";

export interface OpenTelemetryObserverOptions extends FlueCallbacks<OtelContext> {
  /**
   * The tracer that gets the spans. Without one it is that of the globally registered OpenTelemetry provider; without
   * such a provider they become native spans of Workers, and go to OTLP where an export is set up.
   */
  readonly tracer?: OtelTracer | undefined;
  /**
   * The logger that gets each log besides its being an event of its span, for backends that keep no such events: one of
   * OpenTelemetry's `api-logs`. An export over OTLP gets them without it.
   */
  readonly logger?: OtelLogger | undefined;
}

/** What Flue's `observe()` takes. It never throws. */
export interface FlueObserve {
  (event: FlueEvent, ctx: FlueContext): void;
  /** Ends every open span as interrupted. */
  endAll(): void;
  /** Counts of spans that are open, of what was dropped, given up and swallowed. */
  diagnostics(): Readonly<Record<string, number>>;
}

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
  const host = new FlueCoreHost(() => compiledModule);
  const metrics = new FlueMetrics(providedTelemetry);
  const observer = new FlueObserver(
    host,
    sinkFor(options.tracer, host, { logger: options.logger }),
    options,
    Date.now,
    metrics,
  );
  return Object.assign((event: FlueEvent, ctx: FlueContext): void => observer.observe(event, ctx), {
    endAll: () => observer.endAll(),
    diagnostics: () => observer.diagnostics(),
  });
}
