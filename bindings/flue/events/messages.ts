// Readers for content types of src/flue/fields.def, in the JSON of the GenAI conventions. Values of an unknown form are
// left out: the application supplies the content and may have changed it.
import { contentText, finishReason, readPath, type ValueReader } from "./event.ts";

type Part = Readonly<Record<string, unknown>>;

export const messageReaders: Readonly<Record<string, ValueReader>> = {
  inputMessages: (messages) =>
    Array.isArray(messages) ? contentText(messages.map(inputMessage)) : undefined,

  outputMessages: (response) => {
    const output = readPath(response, ["output"]);
    const reason = finishReason(readPath(response, ["finishReason"]));
    if (!isObject(output) || reason === undefined) return;
    const parts = partsOf(output["content"]);
    return contentText([{ role: "assistant", parts, finish_reason: reason }]);
  },

  agentInput: (input) => {
    const text = readPath(input, ["text"]);
    return typeof text === "string"
      ? contentText([{ role: "user", parts: [textPart(text)] }])
      : undefined;
  },

  agentOutput: (output) => {
    const text = readPath(output, ["text"]);
    if (readPath(output, ["type"]) !== "text" || typeof text !== "string") return;
    const reason = finishReason(readPath(output, ["finishReason"]));
    return contentText([{ role: "assistant", parts: [textPart(text)], finish_reason: reason }]);
  },

  systemInstructions: (prompt) =>
    typeof prompt === "string" ? contentText([textPart(prompt)]) : undefined,

  toolDefinitions: (tools) =>
    Array.isArray(tools) ? contentText(tools.map(toolDefinition)) : undefined,

  // The conventions allow only objects as arguments and results. Other values have attributes of Flue.
  object: (value) => (isPlainObject(value) ? contentText(value) : undefined),
  noObject: (value) => (isPlainObject(value) ? undefined : contentText(value)),
  objectResult: (event) => messageReaders["object"]?.(resultOf(event)),
  plainResult: (event) => messageReaders["noObject"]?.(resultOf(event)),
};

function inputMessage(message: unknown): Part {
  const role = readPath(message, ["role"]);
  const content = readPath(message, ["content"]);
  if (role === "user" || role === "assistant") return { role, parts: partsOf(content) };
  const id = readPath(message, ["toolCallId"]);
  return { role: "tool", parts: [{ type: "tool_call_response", id, response: texts(content) }] };
}

/** Returns the answer of a tool: its text if it consists of one text, otherwise a list of its texts. */
function texts(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const parts: unknown[] = content;
  const found = parts.filter(isText).map((part) => readPath(part, ["text"]));
  return parts.length === 1 && found.length === 1 ? found[0] : found;
}

/** Converts the parts of a message. Flue does not pass images on. */
function partsOf(content: unknown): Part[] {
  if (typeof content === "string") return [textPart(content)];
  return Array.isArray(content) ? content.flatMap(part) : [];
}

function part(value: unknown): Part[] {
  if (!isObject(value)) return [];
  switch (value["type"]) {
    case "text":
      return [textPart(value["text"])];
    case "thinking":
      return [{ type: "reasoning", content: value["thinking"] }];
    case "toolCall": {
      const { id, name, arguments: args } = value;
      return [{ type: "tool_call", id, name, arguments: args }];
    }
    default:
      return [];
  }
}

function textPart(content: unknown): Part {
  return { type: "text", content };
}

function isText(value: unknown): boolean {
  return readPath(value, ["type"]) === "text";
}

function toolDefinition(tool: unknown): Part {
  const description = readPath(tool, ["description"]);
  return {
    type: "function",
    name: readPath(tool, ["name"]),
    description: description === "" ? undefined : description,
    parameters: readPath(tool, ["parameters"]),
  };
}

/** Returns the result that the model received, if it differs from the tool's result. */
function resultOf(event: unknown): unknown {
  if (!isObject(event) || event["isError"] === true) return undefined;
  return Object.hasOwn(event, "effectiveResult") ? event["effectiveResult"] : event["result"];
}

function isObject(value: unknown): value is Part {
  return typeof value === "object" && value !== null;
}

function isPlainObject(value: unknown): boolean {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
