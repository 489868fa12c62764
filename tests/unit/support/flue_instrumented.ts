import { createOpenTelemetryInstrumentation, type FlueInstrumentation } from "isotel/flue";
import type { EventContext, ReferenceSpan } from "../../flue/recordings.ts";
import { KeepingTracer } from "./flue.ts";
import { AsyncContexts } from "./flue_contexts.ts";

export type Semconv = "flue" | "gen_ai";

/** An instrumentation with a tracer that keeps its spans and a context manager. */
export function instrumented(semconv: Semconv = "gen_ai", contexts = new AsyncContexts()) {
  const tracer = new KeepingTracer();
  const instrumentation = createOpenTelemetryInstrumentation({
    tracer,
    semconv,
    context: contexts,
  });
  return { tracer, contexts, ...instrumentation };
}

export function observeAll(
  { observe }: FlueInstrumentation,
  occurrences: readonly EventContext[],
): void {
  for (const { event, ctx } of occurrences) observe(event, ctx);
}

/** The name of the parent of each span that `spans` has under one of these names. */
export function parentsOf(spans: readonly ReferenceSpan[], prefix: string): (string | undefined)[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ parentSpanId }) => (parentSpanId ? names.get(parentSpanId) : undefined));
}

/** What Flue intercepts of an event that starts something, as recorded of 2.1.0. */
export function operationOf(event: EventContext["event"]) {
  const { turnId, toolCallId, toolName, taskId, operationId } = event as Record<string, string>;
  switch (event.type) {
    case "operation_start":
      return { type: "agent", operationId, operationKind: "prompt" };
    case "turn_request":
      return { type: "model", turnId };
    case "tool_start":
      return { type: "tool", toolCallId, toolName };
    case "task_start":
      return { type: "task", taskId };
    default:
      return undefined;
  }
}

export function contextOf(event: EventContext["event"]) {
  const { instanceId, harness, conversationId, session, operationId, turnId, taskId } =
    event as unknown as Record<string, string>;
  return { instanceId, harness, conversationId, session, operationId, turnId, taskId };
}

/** A turn of the event loop. */
export const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
