import { compiledModule } from "#wasm/flue";
import { type OptionNames, reportUnknownOption } from "../base/options.ts";
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
   * The tracer that receives the spans. Default: a tracer of the globally registered OpenTelemetry provider. Without a
   * provider, the spans are native spans of Workers and are exported over OTLP if an export is configured.
   */
  readonly tracer?: OtelTracer | undefined;
  /**
   * A logger of OpenTelemetry's `api-logs` that receives each log, in addition to the span event. Use it for backends
   * that do not store span events. An export over OTLP receives the logs without it.
   */
  readonly logger?: OtelLogger | undefined;
}

const optionNames: OptionNames<OpenTelemetryInstrumentationOptions> = {
  semconv: true,
  resolveRootContext: true,
  exportContent: true,
  tracer: true,
  logger: true,
  context: true,
};

/** The observer for Flue's `observe()`. Never throws. */
export interface FlueObserve {
  (event: FlueEvent, ctx: FlueContext): void;
  /** Ends all open spans as interrupted. */
  endAll(): void;
  /** Returns the counts of open spans, ignored events, spans that ended early, and swallowed errors. */
  diagnostics(): Readonly<Record<string, number>>;
}

/**
 * Returns an observer for `observe()` of `@flue/runtime` that turns Flue's events into OpenTelemetry spans. There are
 * spans for workflows, operations, model turns, tools, delegated tasks and compactions. Log records become span events.
 * Supports events of versions 1 and 3.
 *
 * Exports only the content that `exportContent` returns. A span without a parent in Flue starts a trace, unless
 * `resolveRootContext` returns a context.
 */
export function createOpenTelemetryObserver(
  options: OpenTelemetryObserverOptions = {},
): FlueObserve {
  reportUnknownOption("isotel/flue", options, optionNames);
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
   * Makes a span active while its work runs: `context` of `@opentelemetry/api`. Default: the globally registered
   * context manager. Without one, no span is made active.
   */
  readonly context?: OtelContexts | undefined;
}

/** The instrumentation for `instrument()` of `@flue/runtime`. */
export interface FlueInstrumentation {
  /** Equal for all instrumentations of isotel. Flue installs one instrumentation for each key. */
  readonly key: symbol;
  readonly observe: (event: FlueEvent, ctx: FlueContext) => void;
  /** Runs `next` exactly once, inside the span of the operation if it has one. Returns the promise of `next`. */
  readonly interceptor: <T>(
    operation: FlueExecutionOperation,
    ctx: FlueExecutionContext,
    next: () => Promise<T>,
  ) => Promise<T>;
  /** Ends all open spans as interrupted. Later events are ignored. */
  readonly dispose: () => void;
  /** Returns the counts of open spans, ignored events, spans that ended early, and swallowed errors. */
  readonly diagnostics: () => Readonly<Record<string, number>>;
}

const key = Symbol.for("isotel/flue");

/**
 * Returns an instrumentation for `instrument()` of `@flue/runtime` 2. It makes the spans of {@link
 * createOpenTelemetryObserver}. In addition:
 *
 * - Work in an agent, a turn, a tool or a task runs inside its span. Spans that it makes are children.
 * - Work that was admitted with a `traceparent` continues that trace. Work inside another span becomes a child of that
 *   span. `resolveRootContext` takes precedence over both.
 * - The framework's own work around agents gets a span `flue.coordinator`.
 */
export function createOpenTelemetryInstrumentation(
  options: OpenTelemetryInstrumentationOptions = {},
): FlueInstrumentation {
  reportUnknownOption("isotel/flue", options, optionNames);
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
