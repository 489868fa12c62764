import { record, text } from "../../base/values.ts";
import { describeMedia } from "./media.ts";

/** A part of a message in the form of the GenAI semantic conventions. */
export type Part = Readonly<Record<string, unknown>>;

/** Returns the parts of an AI SDK message. Its content is a text or a list of parts. */
export function partsOf(content: unknown): Part[] {
  if (typeof content === "string") return [{ type: "text", content }];
  if (!Array.isArray(content)) return [];
  return content.map(partOf).filter((part) => part !== undefined);
}

/** Returns the parts of one type in a message of the SDK. */
export function partsOfType(message: unknown, type: string): Readonly<Record<string, unknown>>[] {
  const content = record(message)?.["content"];
  if (!Array.isArray(content)) return [];
  return content.filter((part) => record(part)?.["type"] === type);
}

/** Returns a part that stands for parts that were left out. */
export function omittedParts(count: number): Part {
  return { type: "omitted", parts: count };
}

/** Converts one part of a prompt or a response. Returns undefined if the value is not a part. */
export function partOf(value: unknown): Part | undefined {
  if (typeof value === "string") return { type: "text", content: value };
  const part = record(value);
  const type = text(part?.["type"]);
  if (part === undefined || type === undefined) return undefined;
  switch (type) {
    case "text":
    case "reasoning":
      return { type, content: text(part["text"]) ?? "" };
    case "image":
      return describeMedia(part["image"], text(part["mediaType"]) ?? "image/*");
    case "file":
    case "reasoning-file":
      return describeMedia(fileData(part), text(part["mediaType"]));
    case "tool-call":
      return {
        type: "tool_call",
        id: text(part["toolCallId"]) ?? null,
        name: text(part["toolName"]) ?? "",
        arguments: parsedInput(part["input"]),
      };
    case "tool-result":
    case "tool-error":
      return {
        type: "tool_call_response",
        id: text(part["toolCallId"]) ?? null,
        response: toolResponse(part["output"] ?? part["result"] ?? part["error"] ?? null),
      };
    default:
      // The conventions allow other types. Their fields are left out, because it is not known which hold content.
      return { type: type.replaceAll("-", "_") };
  }
}

function fileData(part: Readonly<Record<string, unknown>>): unknown {
  const { data } = part;
  const tagged = record(data);
  // Since specification v4, data is tagged with its type.
  return tagged?.["type"] === undefined
    ? (data ?? part["url"])
    : (tagged["data"] ?? tagged["url"] ?? tagged["text"]);
}

/** Returns the input of a tool call. Providers pass it as JSON text. */
export function parsedInput(input: unknown): unknown {
  if (typeof input !== "string") return input ?? null;
  try {
    return JSON.parse(input) as unknown;
  } catch {
    return input;
  }
}

function toolResponse(output: unknown): unknown {
  const tagged = record(output);
  switch (tagged?.["type"]) {
    case "text":
    case "error-text":
    case "json":
    case "error-json":
      return tagged["value"] ?? null;
    case "content":
      return partsOf(tagged["value"]);
    case "execution-denied": {
      const reason = text(tagged["reason"]);
      return reason === undefined ? { denied: true } : { denied: true, reason };
    }
    default:
      return output;
  }
}
