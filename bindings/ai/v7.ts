import type { Params } from "./identity.ts";
import { telemetryOptions } from "./identity.ts";
import { runModelCall } from "./model_call.ts";
import type { AIOperation } from "./operation.ts";
import { record, text } from "./read.ts";
import { runToolCall } from "./tool_call.ts";
import { ToolResults } from "./tool_results.ts";

interface ExecuteEvent extends Readonly<Record<string, unknown>> {
  execute(): PromiseLike<unknown>;
}

declare global {
  // The SDK keeps its registered integrations here.
  var AI_SDK_TELEMETRY_INTEGRATIONS: unknown[] | undefined;
}

/**
 * The parameters of a v7 call with one integration more. Per-call integrations replace the registered ones, so those
 * are carried over.
 */
export function instrumentParams(operation: AIOperation, params: Params): Params {
  const options = telemetryOptions(params);
  const results = operation.content.toolResults ? new ToolResults() : undefined;
  const own = options?.["integrations"] ?? globalThis.AI_SDK_TELEMETRY_INTEGRATIONS ?? [];
  const integrations = [...(Array.isArray(own) ? own : [own]), integration(operation, results)];
  const { experimental_telemetry: _, ...rest } = params;
  const approvals = operation.approvals.observe(params);
  const tools = approvals.tools ?? params["tools"];
  const captured = results === undefined ? {} : { tools: results.capture(tools) };
  return { ...rest, ...approvals, ...captured, telemetry: { ...options, integrations } };
}

/** Only the hooks that are needed: the SDK prepares an event for each one that is there. */
function integration(operation: AIOperation, results: ToolResults | undefined): object {
  const { telemetry } = operation;
  return {
    executeLanguageModelCall: (event: ExecuteEvent) =>
      runModelCall(
        operation,
        {
          model: { modelId: text(event["modelId"]), provider: text(event["provider"]) },
          method: operation.isStream ? "doStream" : "doGenerate",
          settings: event,
        },
        event.execute,
      ),
    executeTool: (event: ExecuteEvent) => {
      const toolCall = record(event["toolCall"]);
      const request = {
        toolName: text(toolCall?.["toolName"]) ?? "tool",
        toolCallId: text(event["toolCallId"]) ?? text(toolCall?.["toolCallId"]),
        input: toolCall?.["input"],
        messages: event["messages"],
        result: results && (() => results.take(text(event["toolCallId"]))),
      };
      return runToolCall(operation, request, event.execute);
    },
    onAbort: () => telemetry.guard(() => operation.cancel()),
    onError: (event: unknown) => telemetry.guard(() => operation.fail(record(event)?.["error"])),
  };
}
