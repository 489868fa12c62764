// Replays a recording of Flue that is posted, and does what Flue would run within it: a span of the program's own, after
// something it has to wait for.
import { tracer } from "isotel";
import {
  createOpenTelemetryInstrumentation,
  type FlueEvent,
  type FlueExecutionContext,
  type FlueExecutionOperation,
} from "isotel/flue";
import { routes } from "../../harness/routes.ts";

type Recorded = FlueEvent & Readonly<Record<string, string>>;

const flue = createOpenTelemetryInstrumentation({ semconv: "gen_ai" });

function operationOf(event: Recorded): FlueExecutionOperation | undefined {
  const { type, operationId, turnId, toolCallId, taskId } = event;
  switch (type) {
    case "operation_start":
      return { type: "agent", operationId };
    case "turn_request":
      return { type: "model", turnId };
    case "tool_start":
      return { type: "tool", toolCallId };
    case "task_start":
      return { type: "task", taskId };
    default:
      return undefined;
  }
}

async function work(name: string): Promise<string> {
  await scheduler.wait(1);
  return tracer.withSpan(name, {}, () => name);
}

async function replay(_url: URL, request: Request) {
  const events = (await request.json()) as readonly { event: Recorded; ctx: object }[];
  const done: string[] = [];
  const coordinator = { type: "coordinator", phase: "reconcile" };
  const about = { instanceId: "inst-1", agentName: "Reporter" };
  done.push(await flue.interceptor(coordinator, about, () => work("in coordinator")));
  for (const { event, ctx } of events) {
    flue.observe(event, ctx);
    const operation = operationOf(event);
    if (operation === undefined) continue;
    const name = `in ${operation.type} ${event["eventIndex"]}`;
    done.push(await flue.interceptor(operation, event as FlueExecutionContext, () => work(name)));
  }
  return { done, counts: flue.diagnostics() };
}

export default routes({ "/replay": replay });
