import { activateSpan } from "../../trace/tracer.ts";
import { record, text } from "../read.ts";
import type { AIOperation } from "./operation.ts";
import { toolSpan } from "./tool_span.ts";

/**
 * Records the calls of tools in `content` that the SDK has rejected, because the input does not fit or there is no such
 * tool: a failed execute_tool span each, below the operation. Their tools never run, and the model is told of the error.
 *
 * @param content of a step, as the SDK gives it.
 */
export function recordRejectedCalls(operation: AIOperation, content: unknown): void {
  if (!Array.isArray(content)) return;
  if (!content.some((part) => isRejected(record(part)))) return;
  // Of calls that share an id a step has one part several times.
  for (const part of new Set(content)) recordIfRejected(operation, part);
}

/** Whether a part of an answer is such a call. What the provider runs is not the SDK's to reject. */
export function isRejected(
  part: Readonly<Record<string, unknown>> | undefined,
): part is Readonly<Record<string, unknown>> {
  return (
    part?.["type"] === "tool-call" && part["invalid"] === true && part["providerExecuted"] !== true
  );
}

/** The same as {@link recordRejectedCalls} for one part. */
export function recordIfRejected(operation: AIOperation, value: unknown): void {
  const part = record(value);
  if (!isRejected(part) || operation.isClosed) return;
  const tool = toolSpan(operation, {
    toolName: text(part["toolName"]) ?? "tool",
    toolCallId: text(part["toolCallId"]),
    input: part["input"],
  });
  operation.activate(() =>
    activateSpan(operation.telemetry, tool.name, tool.options, (span) => {
      if (span === undefined) return;
      operation.telemetry.guard(() => tool.begin(span));
      span.fail(part["error"]);
    }),
  );
}
