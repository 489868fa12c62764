import { record, text } from "../read.ts";

/** An answer to the request to approve a tool call. */
export interface ApprovalResponse {
  readonly toolName: string;
  readonly toolCallId: string;
  readonly isApproved: boolean;
}

/** The answers in the last message, where the SDK looks for them; their tools are named in messages before. */
export function approvalResponses(messages: unknown): readonly ApprovalResponse[] {
  if (!Array.isArray(messages)) return [];
  const answers = partsOf(messages.at(-1), "tool-approval-response");
  if (answers.length === 0) return [];
  const calls = new Map<string, string>();
  const toolNames = new Map<string, string>();
  for (const message of messages) {
    for (const part of partsOf(message, "tool-approval-request")) {
      const approvalId = text(part["approvalId"]);
      const toolCallId = text(part["toolCallId"]);
      if (approvalId !== undefined && toolCallId !== undefined) calls.set(approvalId, toolCallId);
    }
    for (const part of partsOf(message, "tool-call")) {
      const toolCallId = text(part["toolCallId"]);
      const toolName = text(part["toolName"]);
      if (toolCallId !== undefined && toolName !== undefined) toolNames.set(toolCallId, toolName);
    }
  }
  return answers.flatMap((answer) => {
    const toolCallId = calls.get(text(answer["approvalId"]) ?? "");
    if (toolCallId === undefined || typeof answer["approved"] !== "boolean") return [];
    const toolName = toolNames.get(toolCallId) ?? "tool";
    return [{ toolName, toolCallId, isApproved: answer["approved"] }];
  });
}

function partsOf(message: unknown, type: string): Readonly<Record<string, unknown>>[] {
  const content = record(message)?.["content"];
  if (!Array.isArray(content)) return [];
  return content.filter((part) => record(part)?.["type"] === type);
}
