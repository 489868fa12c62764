import { compiledModule } from "#wasm/flue";
import { providedTelemetry } from "../trace/provided_telemetry.ts";
import { FlueCoreHost } from "./core/flue_core.ts";
import type { FlueContext, FlueEvent } from "./events/event.ts";
import { FlueMetrics } from "./flue_metrics.ts";
import { type FlueCallbacks, FlueObserver } from "./flue_observer.ts";
import {
  type FlueExecutionContext,
  type FlueExecutionOperation,
  Instrumentation,
} from "./instrumentation.ts";
import { sinkFor } from "./sinks/chosen_sink.ts";
import type { OtelContext, OtelContexts, OtelLogger, OtelTracer } from "./sinks/otel_types.ts";
import { remoteContext } from "./sinks/trace_carrier.ts";

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

export interface OpenTelemetryInstrumentationOptions extends OpenTelemetryObserverOptions {
  /**
   * What makes a span the active one while its work runs: `context` of `@opentelemetry/api`. Without it that is the
   * context manager which is registered globally; without such a manager nothing is made active.
   */
  readonly context?: OtelContexts | undefined;
}

/** What `instrument()` of `@flue/runtime` takes. */
export interface FlueInstrumentation {
  /** The same for every instrumentation made here: Flue installs one of a key. */
  readonly key: symbol;
  readonly observe: (event: FlueEvent, ctx: FlueContext) => void;
  /** Runs `next` once, in the span of what it is where there is one, and hands on its promise as it is. */
  readonly interceptor: <T>(
    operation: FlueExecutionOperation,
    ctx: FlueExecutionContext,
    next: () => Promise<T>,
  ) => Promise<T>;
  /** Ends every open span as interrupted; nothing is observed from then on. */
  readonly dispose: () => void;
  /** Counts of spans that are open, of what was dropped, given up and swallowed. */
  readonly diagnostics: () => Readonly<Record<string, number>>;
}

const key = Symbol.for("isotel/flue");

/**
 * Turns Flue's events into OpenTelemetry spans, for `instrument()` of `@flue/runtime` 2: what
 * {@link createOpenTelemetryObserver} does, and
 *
 * - what runs in an agent, a turn, a tool or a task runs in its span: spans made there are its children;
 * - work that was admitted with a `traceparent` goes on in that trace, and what runs inside of another span under that
 *   one, wherever `resolveRootContext` does not say otherwise;
 * - the framework's own work around agents is a span `flue.coordinator`.
 */
export function createOpenTelemetryInstrumentation(
  options: OpenTelemetryInstrumentationOptions = {},
): FlueInstrumentation {
  const host = new FlueCoreHost(() => compiledModule);
  const sink = sinkFor(options.tracer, host, options);
  const metrics = new FlueMetrics(providedTelemetry);
  const instrumentation = new Instrumentation(host, sink, options, remoteContext, metrics);
  return {
    key,
    observe: (event, ctx) => instrumentation.observe(event, ctx),
    interceptor: (operation, ctx, next) => instrumentation.intercept(operation, ctx, next),
    dispose: () => instrumentation.dispose(),
    diagnostics: () => instrumentation.diagnostics(),
  };
}
