import { record, text } from "../../base/values.ts";
import { Field, Outcome } from "../../core/abi.gen.ts";
import type { Span } from "../../trace/span.ts";
import { startSpan } from "../../trace/tracer.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import { parsedInput } from "../content/parts.ts";
import { addToolValue } from "../content/record.ts";
import type { CallOwner } from "./call_owner.ts";
import { closeTool, type Ending, toolError } from "./ending.ts";
import { toolCallIn, toolSpan } from "./tool_span.ts";

type Part = Readonly<Record<string, unknown>>;

interface OpenTool {
  readonly toolName: string;
  readonly span: Span;
  readonly redact: Redact | undefined;
}

/** An error code of a provider, as opposed to an error message. */
const errorCode = /^[\w.-]{1,64}$/;

/**
 * The tools that the provider runs during one model call. Each has an execute_tool span below the chat span. The span
 * lasts from the part with the call to the part with the result. In a response without a stream both arrive at once. A
 * result in a later response is ignored, because the span has ended with the model call that started it.
 */
export class ProviderTools {
  readonly #owner: CallOwner;
  readonly #chat: Span;
  #open: Map<string, OpenTool> | undefined;
  #hasEnded = false;

  constructor(owner: CallOwner, chat: Span) {
    this.#owner = owner;
    this.#chat = chat;
  }

  /** Records one part of the model's response. */
  observe(part: Part): void {
    if (this.#hasEnded) return;
    switch (part["type"]) {
      case "tool-call":
        if (part["providerExecuted"] === true) this.#start(part);
        return;
      case "tool-approval-request":
        this.#askApproval(part);
        return;
      case "tool-result":
      case "tool-error":
        if (part["preliminary"] !== true) this.#finish(part);
        return;
      default:
    }
  }

  /** Ends the tools without a result when their model call ends. */
  end({ outcome }: Ending): void {
    // The model call failed, not the tool.
    const own = outcome === Outcome.failed ? Outcome.cancelled : outcome;
    this.#hasEnded = true;
    if (this.#open === undefined) return;
    for (const id of [...this.#open.keys()]) this.#close(id, own);
  }

  #start(part: Part): void {
    const owner = this.#owner;
    const call = toolCallIn(part);
    const { toolName, toolCallId: id } = call;
    if (id === undefined) return;
    const tool = toolSpan(owner, { ...call, input: parsedInput(call.input), type: "extension" });
    // The user's redaction of the name may have aborted the call.
    if (this.#hasEnded) return;
    const options = { ...tool.options, parent: this.#chat };
    const span = this.#chat.activate(() => startSpan(owner.telemetry, tool.name, options));
    if (span === undefined) return;
    this.#close(id, Outcome.finished);
    this.#open ??= new Map();
    this.#open.set(id, { toolName, span, redact: options.redact });
    span.onTruncate = () => this.#close(id, Outcome.truncated);
    tool.begin(span);
  }

  #finish(part: Part): void {
    const { telemetry, content } = this.#owner;
    const tool = this.#take(part);
    if (tool === undefined) return;
    const { span, redact } = tool;
    const fields = span.newFields();
    const error = telemetry.guard(() => {
      const result = part["result"] ?? part["error"];
      if (content.toolResults && !span.isMeasuredOnly)
        addToolValue(fields, Field.toolCallResult, result, redact);
      return errorOf(part, result);
    });
    closeTool(span, fields, error);
  }

  // The provider does not run the tool before it is approved, which happens in another call.
  #askApproval(part: Part): void {
    const id = text(part["toolCallId"]);
    const tool = this.#open?.get(id ?? "");
    if (id === undefined || tool === undefined) return;
    const { toolName, span } = tool;
    span.activate(() => this.#owner.approvals?.providerAsks({ toolName, toolCallId: id }));
    this.#close(id, Outcome.finished);
  }

  #close(id: string, outcome: number): void {
    const tool = this.#open?.get(id);
    if (tool === undefined) return;
    this.#open?.delete(id);
    tool.span.close(outcome);
  }

  #take(part: Part): OpenTool | undefined {
    const id = text(part["toolCallId"]) ?? "";
    const tool = this.#open?.get(id);
    this.#open?.delete(id);
    return tool;
  }
}

/**
 * Returns the error.type of a result that is an error: the provider's code, else `tool_error`. A failed call of an MCP
 * server is recognized by its `error` only.
 */
function errorOf(part: Part, result: unknown): string | undefined {
  const source = record(result);
  const isFailedCall = source?.["type"] === "call" && (source["error"] ?? null) !== null;
  if (part["type"] !== "tool-error" && part["isError"] !== true && !isFailedCall) return undefined;
  const code = text(source?.["errorCode"]);
  return code !== undefined && errorCode.test(code) ? code : toolError;
}
