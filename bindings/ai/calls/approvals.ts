import { isFunction, isThenable, record, text } from "../../base/values.ts";
import { Field, Operation, Outcome } from "../../core/abi.gen.ts";
import { activateSpan } from "../../trace/tracer.ts";
import { partsOfType } from "../content/parts.ts";
import type { ApprovalRequest, SpanParent } from "./call_owner.ts";
import type { Params, Replaceable } from "./identity.ts";
import { redactedTarget } from "./redaction.ts";
import { addCall } from "./request.ts";
import { toolWith } from "./substitutes.ts";

/** The state of the approval of a tool call. */
type ApprovalState = "requested" | "approved" | "denied";

/**
 * Records the approvals of one operation as tool_approval spans:
 *
 * - `requested` when the SDK stops to ask for approval
 * - `denied` when the user's response or the policy denies
 * - `approved` inside the execute_tool span of the approved tool
 */
export class Approvals {
  readonly #operation: SpanParent;
  /** Ids of tool calls that a policy approved without a request. */
  #approvedByPolicy: Set<string> | undefined;

  constructor(operation: SpanParent) {
    this.#operation = operation;
  }

  /** Records the denials in the messages of a call. Denied tools never run. */
  recordDenied(params: Params): void {
    for (const response of approvalResponses(params["messages"] ?? params["prompt"])) {
      if (!response.isApproved) this.#recordSegment(response, "denied");
    }
  }

  /** Replaces the parameters of a call that decide about approvals by observed ones. */
  observe(params: Replaceable): void {
    const { tools, toolApproval } = params;
    const observed = this.#observedTools(tools);
    if (observed !== tools) params["tools"] = observed;
    if (toolApproval !== undefined) params["toolApproval"] = this.#observedPolicy(toolApproval);
  }

  /** Records the approval of a tool that runs. Call this inside the span of the tool. */
  toolRuns(request: ApprovalRequest, messages: unknown): void {
    const { toolCallId } = request;
    if (toolCallId === undefined) return;
    const isApproved = responseTo(messages, toolCallId)?.isApproved === true;
    if (isApproved || this.#approvedByPolicy?.delete(toolCallId) === true) {
      this.#recordState(request, "approved");
    }
  }

  /** Records that a tool of the provider needs approval. Call this inside the span of the tool. */
  providerAsks(request: ApprovalRequest): void {
    this.#recordState(request, "requested");
  }

  /** Records a decision that is known only when the call ends. Call this inside the span of the operation. */
  recordDecision(request: ApprovalRequest, state: "requested" | "denied"): void {
    this.#recordSegment(request, state);
  }

  #observedTools(tools: unknown): unknown {
    const source = record(tools);
    if (source === undefined) return tools;
    let observed: Record<string, unknown> | undefined;
    for (const name of Object.keys(source)) {
      const tool = source[name];
      const needsApproval = record(tool)?.["needsApproval"];
      if (needsApproval !== true && !isFunction(needsApproval)) continue;
      observed ??= { ...source };
      observed[name] = this.#observedTool(name, tool);
    }
    return observed ?? tools;
  }

  #observedTool(toolName: string, tool: unknown): unknown {
    const source = tool as Readonly<Record<string, unknown>>;
    const { needsApproval } = source;
    const value = (...args: unknown[]) => {
      const options = record(args[1]);
      const answer = isFunction(needsApproval) ? needsApproval.apply(source, args) : needsApproval;
      return this.#observed(answer, (needed) => {
        if (needed !== true) return;
        this.#requested({ toolName, toolCallId: text(options?.["toolCallId"]) }, options);
      });
    };
    return toolWith(source, "needsApproval", value);
  }

  /** Observes the option `toolApproval` of v7: one function for all tools, or a function or status for each tool. */
  #observedPolicy(policy: unknown): unknown {
    if (isFunction(policy)) {
      return (...args: unknown[]) => {
        const options = record(args[0]);
        const toolCall = record(options?.["toolCall"]);
        const request = {
          toolName: text(toolCall?.["toolName"]) ?? "tool",
          toolCallId: text(toolCall?.["toolCallId"]),
        };
        return this.#observed(policy(...args), (status) => this.#decided(request, status, options));
      };
    }
    const source = record(policy);
    if (source === undefined) return policy;
    return Object.fromEntries(
      Object.entries(source).map(([toolName, setting]) => [
        toolName,
        (...args: unknown[]) => {
          const options = record(args[1]);
          const request = { toolName, toolCallId: text(options?.["toolCallId"]) };
          const answer = isFunction(setting) ? setting(...args) : setting;
          return this.#observed(answer, (status) => this.#decided(request, status, options));
        },
      ]),
    );
  }

  /** Calls `observe` with an answer, or with its value when it settles. Returns the answer. */
  #observed(answer: unknown, observe: (value: unknown) => void): unknown {
    const { telemetry } = this.#operation;
    if (!isThenable(answer)) {
      telemetry.guard(() => observe(answer));
      return answer;
    }
    return answer.then((value) => {
      telemetry.guard(() => observe(value));
      return value;
    });
  }

  #decided(
    request: ApprovalRequest,
    status: unknown,
    options: Readonly<Record<string, unknown>> | undefined,
  ): void {
    switch (text(status) ?? text(record(status)?.["type"])) {
      case "approved":
        if (request.toolCallId !== undefined) {
          this.#approvedByPolicy ??= new Set();
          this.#approvedByPolicy.add(request.toolCallId);
        }
        return;
      case "denied":
        this.#recordSegment(request, "denied");
        return;
      case "user-approval":
        this.#requested(request, options);
        return;
      default:
    }
  }

  // The SDK calls a policy again after the user has responded.
  #requested(
    request: ApprovalRequest,
    options: Readonly<Record<string, unknown>> | undefined,
  ): void {
    const { toolCallId } = request;
    if (toolCallId !== undefined && responseTo(options?.["messages"], toolCallId) !== undefined) {
      return;
    }
    this.#recordSegment(request, "requested");
  }

  /** Records an execute_tool span that holds the approval only. The tool does not run inside it. */
  #recordSegment(request: ApprovalRequest, state: ApprovalState): void {
    this.#record(Operation.executeTool, "execute_tool", request, undefined, () =>
      this.#recordState(request, state),
    );
  }

  #recordState(request: ApprovalRequest, state: ApprovalState): void {
    this.#record(Operation.toolApproval, "tool_approval", request, state, () => {});
  }

  #record(
    code: number,
    operation: "execute_tool" | "tool_approval",
    request: ApprovalRequest,
    state: ApprovalState | undefined,
    body: () => void,
  ): void {
    const { telemetry, identity } = this.#operation;
    const { toolName, toolCallId } = request;
    const info = { operation, agentName: identity.agentName, toolName, toolCallId };
    const options = this.#operation.childOptions(code, info);
    const name = telemetry.nameOf(
      code,
      redactedTarget(options.redact, "gen_ai.tool.name", toolName),
    );
    activateSpan(telemetry, name, options, (span) => {
      if (span === undefined) return;
      const fields = span.newFields();
      addCall(fields, "tool.approval", identity);
      fields
        .text(Field.toolName, toolName)
        .text(Field.toolCallId, toolCallId)
        .text(Field.toolApprovalState, state);
      span.start(fields);
      this.#operation.enrich(span, info);
      body();
      span.close(Outcome.finished);
    });
  }
}

function responseTo(messages: unknown, toolCallId: string): ApprovalResponse | undefined {
  return approvalResponses(messages).find((response) => response.toolCallId === toolCallId);
}

/** A response to an approval request for a tool call. */
interface ApprovalResponse {
  readonly toolName: string;
  readonly toolCallId: string;
  readonly isApproved: boolean;
}

/** Returns the responses in the last message, where the SDK looks for them. Earlier messages name their tools. */
function approvalResponses(messages: unknown): readonly ApprovalResponse[] {
  if (!Array.isArray(messages)) return [];
  const answers = partsOfType(messages.at(-1), "tool-approval-response");
  if (answers.length === 0) return [];
  const calls = new Map<string, string>();
  const toolNames = new Map<string, string>();
  for (const message of messages) {
    for (const part of partsOfType(message, "tool-approval-request")) {
      const approvalId = text(part["approvalId"]);
      const toolCallId = text(part["toolCallId"]);
      if (approvalId !== undefined && toolCallId !== undefined) calls.set(approvalId, toolCallId);
    }
    for (const part of partsOfType(message, "tool-call")) {
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
