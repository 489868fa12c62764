import { isFunction, record, text } from "../../base/values.ts";
import { Field, Operation, Profile } from "../../core/abi.gen.ts";
import type { Span, SpanOptions } from "../../trace/span.ts";
import { activateSpan } from "../../trace/tracer.ts";
import { partsOfType } from "../content/parts.ts";
import { addToolValue } from "../content/record.ts";
import type { SpanInfo } from "../options.ts";
import type { CallOwner } from "./call_owner.ts";
import { closeTool, toolError } from "./ending.ts";
import type { Params } from "./identity.ts";
import { redactedTarget } from "./redaction.ts";
import { addCall } from "./request.ts";

/** A tool call, by the SDK, the provider or the client. */
export interface ToolInvocation {
  readonly toolName: string;
  readonly toolCallId: string | undefined;
  readonly input: unknown;
  /** Value of gen_ai.tool.type: "extension" for a tool of the provider. Default: "function". */
  readonly type?: "extension";
  /** For a tool that the client runs: the part of the work that the span represents. */
  readonly clientPhase?: "tool.request" | "tool.answer";
}

/** An execute_tool span before it is opened. */
interface ToolSpan {
  readonly name: string;
  readonly options: SpanOptions;
  /** Writes the start attributes. */
  begin(span: Span): void;
}

export function toolSpan(owner: CallOwner, tool: ToolInvocation): ToolSpan {
  const { telemetry, identity, content } = owner;
  const { toolName, toolCallId, type, clientPhase } = tool;
  const info: SpanInfo = {
    operation: "execute_tool",
    agentName: identity.agentName,
    toolName,
    toolCallId,
  };
  const options = owner.childOptions(Operation.executeTool, info);
  const { redact } = options;
  return {
    name: telemetry.nameOf(
      Operation.executeTool,
      redactedTarget(redact, "gen_ai.tool.name", toolName),
    ),
    options,
    begin(span) {
      span.recordsErrors = content.errorMessages;
      const fields = span.newFields();
      addCall(fields, clientPhase ?? "tool.execute", identity);
      fields
        .text(Field.toolName, toolName)
        .text(Field.toolCallId, toolCallId)
        .verbatim(Field.toolType, type);
      if (span.profile === Profile.latest) {
        fields.text(Field.toolDescription, owner.clientTools?.descriptionOf(toolName));
      }
      if (clientPhase !== undefined) fields.flag(Field.toolRunsOnClient, true);
      if (content.toolArguments && !span.isMeasuredOnly && clientPhase !== "tool.answer") {
        addToolValue(fields, Field.toolCallArguments, tool.input, redact);
      }
      span.start(fields);
      owner.enrich(span, info);
    },
  };
}

type Part = Readonly<Record<string, unknown>>;

/** Reads a tool call or a tool result in the content of a message. */
export function toolCallIn(part: Part): ToolInvocation {
  const { toolName, toolCallId, input } = part;
  return { toolName: text(toolName) ?? "tool", toolCallId: text(toolCallId), input };
}

/**
 * Records calls of tools without `execute`, which the client runs. The call of the SDK that requests the tool call has
 * an execute_tool span `tool.request`. The call that gets its result has an execute_tool span `tool.answer`. The id of
 * the tool call links the two.
 */
export class ClientTools {
  readonly #operation: CallOwner;
  #tools: Part | undefined;

  constructor(operation: CallOwner) {
    this.#operation = operation;
  }

  /** Sets the tools of the call. */
  use(tools: unknown): void {
    this.#tools = record(tools);
  }

  /** Returns whether a part of a response is a tool call that the client runs. */
  has(part: Part | undefined): boolean {
    if (part?.["type"] !== "tool-call") return false;
    const isElsewhere = part["providerExecuted"] === true || part["invalid"] === true;
    return !isElsewhere && this.#isClientTool(text(part["toolName"]));
  }

  /** Records a tool call for which {@link has} is true. Call this inside the span of the operation. */
  recordRequest(part: Part): void {
    const { telemetry } = this.#operation;
    const { name, options, begin } = toolSpan(this.#operation, {
      ...toolCallIn(part),
      clientPhase: "tool.request",
    });
    activateSpan(telemetry, name, options, (span) => {
      if (span === undefined) return;
      begin(span);
      closeTool(span, span.newFields(), undefined);
    });
  }

  /** Records the results in the messages of a call that have arrived since the last answer of the model. */
  recordAnswers(params: Params): void {
    const messages = params["messages"] ?? params["prompt"];
    if (!Array.isArray(messages) || this.#tools === undefined) return;
    const last = messages.findLastIndex((message) => record(message)?.["role"] === "assistant");
    for (const message of messages.slice(last + 1)) {
      for (const part of partsOfType(message, "tool-result")) {
        if (this.#isClientTool(text(part["toolName"]))) this.#recordAnswer(part);
      }
    }
  }

  #recordAnswer(part: Part): void {
    const { telemetry, content } = this.#operation;
    const { name, options, begin } = toolSpan(this.#operation, {
      ...toolCallIn(part),
      clientPhase: "tool.answer",
    });
    // The operation that requested the call has counted it.
    activateSpan(telemetry, name, { ...options, parent: undefined }, (span) => {
      if (span === undefined) return;
      begin(span);
      const fields = span.newFields();
      const output = record(part["output"]);
      if (content.toolResults && !span.isMeasuredOnly) {
        addToolValue(fields, Field.toolCallResult, output?.["value"], options.redact);
      }
      const isError = text(output?.["type"])?.startsWith("error") === true;
      closeTool(span, fields, isError ? toolError : undefined);
    });
  }

  descriptionOf(toolName: string): string | undefined {
    return text(this.#toolOf(toolName)?.["description"]);
  }

  #isClientTool(toolName: string | undefined): boolean {
    const tool = toolName === undefined ? undefined : this.#toolOf(toolName);
    return tool !== undefined && !isFunction(tool["execute"]);
  }

  #toolOf(toolName: string): Part | undefined {
    const tools = this.#tools;
    return tools !== undefined && Object.hasOwn(tools, toolName)
      ? record(tools[toolName])
      : undefined;
  }
}
