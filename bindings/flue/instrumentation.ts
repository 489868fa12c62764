import { FlueEventType } from "./abi.gen.ts";
import { Coordination } from "./coordination.ts";
import type { FlueCoreHost } from "./core/flue_core.ts";
import { type FlueContext, type FlueEvent, readText } from "./events/event.ts";
import { reportSwallowed } from "./events/failure.ts";
import type { FlueMetrics } from "./flue_metrics.ts";
import { type FlueCallbacks, FlueObserver } from "./flue_observer.ts";
import type { SpanSink } from "./sinks/span_sink.ts";
import { type FlueTraceCarrier, TraceCarriers } from "./sinks/trace_carrier.ts";

/** The operation that Flue runs. Has only the fields that are read. */
export interface FlueExecutionOperation {
  readonly type: string;
  readonly operationId?: string | undefined;
  readonly turnId?: string | undefined;
  readonly toolCallId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly phase?: string | undefined;
}

/** The context of the operation. Has only the fields that are read. */
export interface FlueExecutionContext {
  readonly instanceId?: string | undefined;
  readonly submissionId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly operationId?: string | undefined;
  readonly turnId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly traceCarrier?: FlueTraceCarrier | undefined;
}

/** The event types that open the spans of operations. */
const openedBy: Readonly<Record<string, number>> = {
  agent: FlueEventType.operationStart,
  model: FlueEventType.turnRequest,
  tool: FlueEventType.toolStart,
  task: FlueEventType.taskStart,
};

/**
 * Observes Flue's events and intercepts its operations. It makes spans active and finds the context of root spans. The
 * operation runs exactly once and its promise is returned unchanged, even if the observation fails.
 */
export class Instrumentation<Span, Root> {
  readonly #sink: SpanSink<Span, Root>;
  readonly #observer: FlueObserver<Span, Root>;
  readonly #coordination: Coordination<Span, Root>;
  readonly #carriers = new TraceCarriers();
  readonly #rootOf: (carrier: FlueTraceCarrier) => Root | undefined;
  #isDisposed = false;
  #swallowed = 0;

  /**
   * @param rootOf Returns the root context for W3C headers. Undefined for invalid headers.
   * @param metrics Measures every span of Flue.
   */
  constructor(
    host: FlueCoreHost,
    sink: SpanSink<Span, Root>,
    callbacks: FlueCallbacks<Root>,
    rootOf: (carrier: FlueTraceCarrier) => Root | undefined,
    metrics?: FlueMetrics,
  ) {
    const { resolveRootContext } = callbacks;
    this.#sink = sink;
    this.#rootOf = rootOf;
    this.#coordination = new Coordination(host, sink);
    const rooted: FlueCallbacks<Root> = {
      ...callbacks,
      resolveRootContext: (event, ctx) =>
        resolveRootContext?.(event, ctx) ?? this.#carriedRoot(event) ?? sink.active?.(),
    };
    this.#observer = new FlueObserver(host, sink, rooted, Date.now, metrics);
  }

  observe(event: FlueEvent, ctx: FlueContext): void {
    if (!this.#isDisposed) this.#observer.observe(event, ctx);
  }

  intercept<T>(
    operation: FlueExecutionOperation,
    ctx: FlueExecutionContext,
    next: () => Promise<T>,
  ): Promise<T> {
    if (this.#isDisposed) return next();
    if (operation.type === "coordinator") return this.#coordinate(operation, ctx, next);
    const carrier = this.#attempt(() => carrierOf(ctx));
    const release =
      carrier && operation.type === "agent" ? this.#carry(carrier, operation, ctx) : undefined;
    const work = () => this.#runInside(operation, ctx, carrier, next);
    return release === undefined ? work() : settled(work, release, release);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#observer.endAll();
    this.#coordination.endAll();
  }

  diagnostics(): Readonly<Record<string, number>> {
    const counts = this.#observer.diagnostics();
    const swallowed = (counts["swallowed_errors"] ?? 0) + this.#swallowed;
    return { ...counts, swallowed_errors: swallowed + this.#coordination.swallowed };
  }

  /**
   * Runs `next` inside the span of the operation. If there is none, runs it in the trace in which the work was
   * admitted.
   */
  #runInside<T>(
    operation: FlueExecutionOperation,
    ctx: FlueExecutionContext,
    carrier: FlueTraceCarrier | undefined,
    next: () => Promise<T>,
  ): Promise<T> {
    const sink = this.#sink;
    const span = this.#spanOf(operation, ctx);
    if (span !== undefined) return this.#activate(next, (work) => sink.activate?.(span, work));
    const root = carrier && this.#attempt(() => this.#rootOf(carrier));
    if (root === undefined) return next();
    return this.#activate(next, (work) => sink.activateRoot?.(root, work));
  }

  #spanOf(operation: FlueExecutionOperation, ctx: FlueExecutionContext): Span | undefined {
    const type = openedBy[operation.type];
    if (type === undefined) return undefined;
    return this.#attempt(() => this.#observer.find(type, { ...ctx, ...operation }));
  }

  #coordinate<T>(
    operation: FlueExecutionOperation,
    ctx: FlueExecutionContext,
    next: () => Promise<T>,
  ): Promise<T> {
    const span = this.#attempt(() => this.#coordination.open({ ...ctx, ...operation }));
    if (span === undefined) return next();
    const sink = this.#sink;
    return settled(
      () => this.#activate(next, (work) => sink.activate?.(span, work)),
      () => this.#coordination.end(span, false),
      () => this.#coordination.end(span, true),
    );
  }

  /** Runs `next` through `activate`. If `activate` does not run it or throws before, runs `next` without. */
  #activate<T>(
    next: () => Promise<T>,
    activate: (work: () => Promise<T>) => Promise<T> | undefined,
  ): Promise<T> {
    let outcome: (() => Promise<T>) | undefined;
    try {
      activate(() => {
        outcome = outcomeOf(next);
        return outcome();
      });
    } catch (cause) {
      if (outcome === undefined) {
        this.#swallowed += 1;
        reportSwallowed(cause);
      }
    }
    return (outcome ?? next)();
  }

  #carriedRoot(event: FlueEvent): Root | undefined {
    const carriers = this.#carriers;
    const carrier =
      carriers.get(readText(event, "operationId")) ?? carriers.get(readText(event, "submissionId"));
    return carrier && this.#rootOf(carrier);
  }

  /** Keeps the carrier of an agent's operation. Returns a function that removes it. */
  #carry(
    carrier: FlueTraceCarrier,
    operation: FlueExecutionOperation,
    ctx: FlueExecutionContext,
  ): () => void {
    const ids = [operation.operationId, ctx.submissionId].filter((id) => typeof id === "string");
    for (const id of ids) this.#carriers.add(id, carrier);
    return () => {
      for (const id of ids) this.#carriers.remove(id, carrier);
    };
  }

  #attempt<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (cause) {
      this.#swallowed += 1;
      reportSwallowed(cause);
      return undefined;
    }
  }
}

function carrierOf({ traceCarrier }: FlueExecutionContext): FlueTraceCarrier | undefined {
  return typeof traceCarrier?.traceparent === "string" ? traceCarrier : undefined;
}

/** Runs `work`. Returns a function that returns its promise, or throws what it threw. */
function outcomeOf<T>(work: () => Promise<T>): () => Promise<T> {
  try {
    const running = work();
    return () => running;
  } catch (cause) {
    return () => {
      throw cause;
    };
  }
}

/** Runs `work`. Calls `onValue` when it is fulfilled, `onCause` when it is rejected or throws. */
function settled<T>(work: () => Promise<T>, onValue: () => void, onCause: () => void): Promise<T> {
  try {
    const running = work();
    running.then(onValue, onCause);
    return running;
  } catch (cause) {
    onCause();
    throw cause;
  }
}
