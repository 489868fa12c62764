import { utf8Length } from "../../base/bytes.ts";
import { record, text } from "../../base/values.ts";
import { Abi } from "../../core/abi.gen.ts";
import { boundedJson, type TextFilter } from "./bounded_json.ts";
import { omittedParts, type Part, partsOf } from "./parts.ts";

/** Maximum number of UTF-8 bytes of a content attribute. */
export const maxContentBytes: number = Abi.maxValueBytes;

/** Number of first messages that are kept when others are left out: the instructions and the first question. */
const headMessages = 2;
/** The largest share of the attribute that a first message takes. */
const maxHeadShare = 1 / 4;
/** Bytes reserved for brackets, commas and the note about omitted messages. */
const reservedBytes = 256;
/** If fewer bytes are left, a message is left out instead of truncated. */
const minMessageBytes = 256;
/** If fewer bytes are left, a part is left out instead of truncated. */
const minPartBytes = 128;
/** Bytes reserved for the note about omitted parts. */
const noteBytes = 40;

/** Keys that describe the type of a part. Their values are not redacted. */
const partStructure: ReadonlySet<string> = new Set(["type", "modality", "mime_type"]);

/** A message in the form of the GenAI semantic conventions. */
export interface Message {
  readonly role: string;
  readonly parts: readonly Part[];
  readonly finish_reason?: string;
}

/** Returns the messages of a prompt. Each function converts one message on demand. */
export function promptMessages(prompt: unknown): readonly (() => Message)[] {
  if (typeof prompt === "string") {
    return [() => ({ role: "user", parts: partsOf(prompt) })];
  }
  return Array.isArray(prompt) ? prompt.map((message) => () => messageOf(message)) : [];
}

/**
 * Returns the messages that a provider receives, given the messages that v7 passes to its hooks. The SDK leaves out
 * approvals, except answers about tools that the provider runs, and messages without other parts.
 */
export function sentMessages(messages: unknown): unknown {
  if (!Array.isArray(messages)) return messages;
  return messages.flatMap((message: unknown) => {
    const source = record(message);
    const content = source?.["content"];
    if (!Array.isArray(content) || !content.some(staysWithSdk)) return [message];
    const sent = content.filter((part) => !staysWithSdk(part));
    return sent.length === 0 ? [] : [{ ...source, content: sent }];
  });
}

function staysWithSdk(value: unknown): boolean {
  const part = record(value);
  return (
    part?.["type"] === "tool-approval-request" ||
    (part?.["type"] === "tool-approval-response" && part["providerExecuted"] !== true)
  );
}

function messageOf(value: unknown): Message {
  const message = record(value);
  return { role: text(message?.["role"]) ?? "user", parts: partsOf(message?.["content"]) };
}

/**
 * Returns gen_ai.input.messages of a prompt. If it is too long, keeps the first messages and as many of the last ones
 * as fit. A message with one part `omitted` replaces the others and has their number. Omitted messages are not
 * converted.
 */
export function inputMessagesJson(
  messages: readonly (() => Message)[],
  filter?: TextFilter,
  maxBytes: number = maxContentBytes,
): string | undefined {
  if (messages.length === 0) return undefined;
  let left = maxBytes - reservedBytes;
  const take = (message: () => Message, bytes: number): string | undefined => {
    const json = messageJson(message(), bytes, filter);
    left -= utf8Length(json) + 1;
    return json;
  };
  const headCount = Math.min(headMessages, messages.length - 1);
  const head = messages
    .slice(0, headCount)
    .map((message) => take(message, maxBytes * maxHeadShare));
  const tail: (string | undefined)[] = [];
  let next = messages.length - 1;
  while (next >= headCount && left >= minMessageBytes) {
    tail.unshift(take(messages[next] as () => Message, left));
    next -= 1;
  }
  const omitted = next - headCount + 1;
  const note = omitted > 0 ? [omittedJson(omitted)] : [];
  return `[${[...head, ...note, ...tail].join(",")}]`;
}

/** Returns a message of at most `maxBytes`. Every part has its type. */
function messageJson(
  { role, parts, finish_reason }: Message,
  maxBytes: number,
  filter: TextFilter | undefined,
): string {
  const head = `{"role":${textJson(role)},"parts":`;
  const end = finish_reason === undefined ? "}" : `,"finish_reason":${textJson(finish_reason)}}`;
  const bytes = maxBytes - utf8Length(head) - utf8Length(end);
  return head + partsJson(parts, bytes, filter) + end;
}

function textJson(value: string): string {
  return boundedJson(value, minPartBytes) ?? "null";
}

/** Returns a list of parts of at most `maxBytes`. A last part `omitted` has the number of parts that did not fit. */
function partsJson(
  parts: readonly Part[],
  maxBytes: number,
  filter: TextFilter | undefined,
): string {
  const kept: string[] = [];
  let left = maxBytes - noteBytes;
  for (const [index, part] of parts.entries()) {
    if (left < minPartBytes) {
      kept.push(JSON.stringify(omittedParts(countParts(parts.slice(index)))));
      break;
    }
    const json = boundedJson(part, left, filter, partStructure) ?? "null";
    left -= utf8Length(json) + 1;
    kept.push(json);
  }
  return `[${kept.join(",")}]`;
}

/** Returns the number of parts, including those that a part `omitted` stands for. */
function countParts(parts: readonly Part[]): number {
  const counts = parts.map(({ type, parts: count }) =>
    type === "omitted" && typeof count === "number" ? count : 1,
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function omittedJson(messages: number): string {
  return JSON.stringify({ role: "system", parts: [{ type: "omitted", messages }] });
}

/** Returns gen_ai.output.messages of one response. */
export function outputMessagesJson(
  parts: readonly Part[],
  finishReason: string | undefined,
  filter?: TextFilter,
  maxBytes: number = maxContentBytes,
): string | undefined {
  if (parts.length === 0 && finishReason === undefined) return undefined;
  const message: Message = {
    role: "assistant",
    parts,
    ...(finishReason === undefined ? {} : { finish_reason: finishReasonOf(finishReason) }),
  };
  return `[${messageJson(message, maxBytes - 2, filter)}]`;
}

/** Returns gen_ai.system_instructions. */
export function systemInstructionsJson(
  instructions: unknown,
  filter?: TextFilter,
  maxBytes: number = maxContentBytes,
): string | undefined {
  const list = Array.isArray(instructions) ? instructions : [instructions];
  const parts = list.flatMap((item) => partsOf(record(item)?.["content"] ?? item));
  return parts.length === 0 ? undefined : partsJson(parts, maxBytes, filter);
}

/** Returns the semantic conventions' name of a finish reason of the SDK. */
function finishReasonOf(reason: string): string {
  switch (reason) {
    case "content-filter":
      return "content_filter";
    case "tool-calls":
      return "tool_call";
    default:
      return reason;
  }
}
