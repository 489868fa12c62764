import { Field, Operation } from "../../core/abi.gen.ts";
import type { Span, SpanOptions } from "../../trace/span.ts";
import { addToolValue } from "../content/record.ts";
import type { SpanInfo } from "../span_info.ts";
import type { CallOwner } from "./call_owner.ts";
import { redactedTarget } from "./redaction.ts";
import { addCall } from "./request.ts";

/** A call of a tool, whoever runs it. */
export interface ToolInvocation {
  readonly toolName: string;
  readonly toolCallId: string | undefined;
  readonly input: unknown;
  /** gen_ai.tool.type: "function" unless given, "extension" for what the provider runs. */
  readonly type?: "extension";
}

/** An execute_tool span before it is opened. */
export interface ToolSpan {
  readonly name: string;
  readonly options: SpanOptions;
  /** Writes the start attributes. */
  begin(span: Span): void;
}

export function toolSpan(owner: CallOwner, tool: ToolInvocation): ToolSpan {
  const { telemetry, identity, content } = owner;
  const { toolName, toolCallId, type } = tool;
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
      const fields = span.newFields();
      addCall(fields, "tool.execute", identity);
      fields
        .text(Field.toolName, toolName)
        .text(Field.toolCallId, toolCallId)
        .verbatim(Field.toolType, type);
      if (content.toolArguments && span.isInTrace) {
        addToolValue(fields, Field.toolCallArguments, tool.input, redact);
      }
      span.start(fields);
      owner.enrich(span, info);
    },
  };
}
