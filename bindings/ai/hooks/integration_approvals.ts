import type { AIOperation } from "../calls/operation.ts";
import { record, text } from "../read.ts";

/**
 * Records the approvals that the content of a finished call tells of: those that were asked for, and those that a
 * policy refused. The hooks of the SDK do not tell when that is decided.
 */
export function recordDecisions(operation: AIOperation, content: unknown): void {
  if (!Array.isArray(content)) return;
  const parts = content.map(record).filter((part) => part !== undefined);
  const requests = parts.filter((part) => part["type"] === "tool-approval-request");
  if (requests.length === 0) return;
  const refusals = parts.filter((part) => {
    return part["type"] === "tool-approval-response" && part["approved"] === false;
  });
  const refused = new Set(refusals.map((part) => part["approvalId"]));
  operation.activate(() => {
    for (const { approvalId, isAutomatic, ...part } of requests) {
      const toolCall = record(part["toolCall"]);
      // The answer of the model has told of it.
      if (toolCall?.["providerExecuted"] === true) continue;
      const request = {
        toolName: text(toolCall?.["toolName"]) ?? "tool",
        toolCallId: text(toolCall?.["toolCallId"]),
      };
      if (refused.has(approvalId)) operation.approvals.recordDecision(request, "denied");
      else if (isAutomatic !== true) operation.approvals.recordDecision(request, "requested");
    }
  });
}
