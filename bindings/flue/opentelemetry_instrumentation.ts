import { type FlueContext, type FlueEvent, readText } from "./event.ts";
import {
  createOpenTelemetryObserver,
  type OpenTelemetryObserverOptions,
} from "./opentelemetry_observer.ts";
import type { OtelContext } from "./otel_types.ts";
import { type FlueTraceCarrier, remoteContext, TraceCarriers } from "./trace_carrier.ts";

/** What Flue is about to run, as far as it is read. */
export interface FlueExecutionOperation {
  readonly type: string;
  readonly operationId?: string | undefined;
}

/** Where Flue runs it, as far as it is read. */
export interface FlueExecutionContext {
  readonly submissionId?: string | undefined;
  readonly traceCarrier?: FlueTraceCarrier | undefined;
}

/** What `instrument()` of `@flue/runtime` takes. */
export interface FlueInstrumentation {
  /** The same for every instrumentation made here: Flue installs one of a key. */
  readonly key: symbol;
  readonly observe: (event: FlueEvent, ctx: FlueContext) => void;
  /** Runs `next` and hands on its promise as it is. */
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
 * {@link createOpenTelemetryObserver} does, and work that was admitted with a `traceparent` goes on in that trace
 * wherever `resolveRootContext` does not say otherwise.
 */
export function createOpenTelemetryInstrumentation(
  options: OpenTelemetryObserverOptions = {},
): FlueInstrumentation {
  const carriers = new TraceCarriers();
  const { resolveRootContext } = options;
  const observe = createOpenTelemetryObserver({
    ...options,
    resolveRootContext: (event, ctx) =>
      resolveRootContext?.(event, ctx) ?? carriedContext(carriers, event),
  });
  let isDisposed = false;
  return {
    key,
    observe: (event, ctx) => {
      if (!isDisposed) observe(event, ctx);
    },
    interceptor: (operation, ctx, next) => {
      const release = isDisposed ? undefined : carry(carriers, operation, ctx);
      return release === undefined ? next() : releaseAfter(next, release);
    },
    dispose: () => {
      isDisposed = true;
      observe.endAll();
    },
    diagnostics: () => observe.diagnostics(),
  };
}

function carriedContext(carriers: TraceCarriers, event: FlueEvent): OtelContext | undefined {
  const carrier =
    carriers.get(readText(event, "operationId")) ?? carriers.get(readText(event, "submissionId"));
  return carrier && remoteContext(carrier);
}

/** Keeps the carrier of an agent's operation; what forgets it, or undefined where there is none. */
function carry(
  carriers: TraceCarriers,
  operation: FlueExecutionOperation,
  ctx: FlueExecutionContext,
): (() => void) | undefined {
  try {
    const { traceCarrier } = ctx;
    if (operation.type !== "agent" || typeof traceCarrier?.traceparent !== "string") return;
    const ids = [operation.operationId, ctx.submissionId].filter((id) => typeof id === "string");
    for (const id of ids) carriers.add(id, traceCarrier);
    return () => {
      for (const id of ids) carriers.remove(id, traceCarrier);
    };
  } catch {
    // A getter that throws: the work goes on in a trace of its own.
    return;
  }
}

function releaseAfter<T>(next: () => Promise<T>, release: () => void): Promise<T> {
  try {
    const running = next();
    running.then(release, release);
    return running;
  } catch (cause) {
    release();
    throw cause;
  }
}
