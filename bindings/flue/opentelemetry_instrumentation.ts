import { compiledModule } from "#wasm/flue";
import { providedTelemetry } from "../trace/provided_telemetry.ts";
import { sinkFor } from "./chosen_sink.ts";
import type { FlueContext, FlueEvent } from "./event.ts";
import { FlueCoreHost } from "./flue_core.ts";
import { FlueMetrics } from "./flue_metrics.ts";
import {
  type FlueExecutionContext,
  type FlueExecutionOperation,
  Instrumentation,
} from "./instrumentation.ts";
import type { OpenTelemetryObserverOptions } from "./opentelemetry_observer.ts";
import type { OtelContexts } from "./otel_types.ts";
import { remoteContext } from "./trace_carrier.ts";

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
