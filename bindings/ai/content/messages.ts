import { utf8Length } from "../../base/bytes.ts";
import { record, text } from "../../base/values.ts";
import { Abi } from "../../core/abi.gen.ts";
import { boundedJson, type TextFilter } from "./bounded_json.ts";
import { type Part, partsOf } from "./parts.ts";

/** UTF-8 bytes of a content attribute. */
export const maxContentBytes: number = Abi.maxValueBytes;

/** Messages at the head that stay when others have to go: instructions and the first question. */
const headMessages = 2;
/** The most one message of the head may take. */
const maxHeadBytes = maxContentBytes / 4;
/** Room for the note of what was left out, brackets and commas. */
const reservedBytes = 256;
/** A message is left out rather than cut below this. */
const minMessageBytes = 256;
/** A part is left out rather than cut below this. */
const minPartBytes = 128;
/** Room for the note of how many parts were left out. */
const noteBytes = 40;

/** What a part is, rather than what it says: not for redaction. */
const partStructure: ReadonlySet<string> = new Set(["type", "modality", "mime_type"]);

/** A message in the shape of the GenAI semantic conventions. */
export interface Message {
  readonly role: string;
  readonly parts: readonly Part[];
  readonly finish_reason?: string;
}

/** The messages of a prompt, each converted when it is asked for. */
export function promptMessages(prompt: unknown): readonly (() => Message)[] {
  if (typeof prompt === "string") {
    return [() => ({ role: "user", parts: partsOf(prompt) })];
  }
  return Array.isArray(prompt) ? prompt.map((message) => () => messageOf(message)) : [];
}

function messageOf(value: unknown): Message {
  const message = record(value);
  return { role: text(message?.["role"]) ?? "user", parts: partsOf(message?.["content"]) };
}

/**
 * gen_ai.input.messages of a prompt. When it is too long, the first messages and as many of the last as fit stay; a
 * message of one part `omitted` stands where the others were and says how many. Only what is kept is looked at.
 */
export function inputMessagesJson(
  messages: readonly (() => Message)[],
  filter?: TextFilter,
): string | undefined {
  if (messages.length === 0) return undefined;
  let left = maxContentBytes - reservedBytes;
  const take = (message: () => Message, maxBytes: number): string | undefined => {
    const json = messageJson(message(), maxBytes, filter);
    left -= utf8Length(json) + 1;
    return json;
  };
  const headCount = Math.min(headMessages, messages.length - 1);
  const head = messages.slice(0, headCount).map((message) => take(message, maxHeadBytes));
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

/** A message of at most `maxBytes`, every part with its type. */
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

/** A list of parts of at most `maxBytes`, a last part `omitted` saying how many there was no room for. */
function partsJson(
  parts: readonly Part[],
  maxBytes: number,
  filter: TextFilter | undefined,
): string {
  const kept: string[] = [];
  let left = maxBytes - noteBytes;
  for (const [index, part] of parts.entries()) {
    if (left < minPartBytes) {
      kept.push(JSON.stringify({ type: "omitted", parts: parts.length - index }));
      break;
    }
    const json = boundedJson(part, left, filter, partStructure) ?? "null";
    left -= utf8Length(json) + 1;
    kept.push(json);
  }
  return `[${kept.join(",")}]`;
}

function omittedJson(messages: number): string {
  return JSON.stringify({ role: "system", parts: [{ type: "omitted", messages }] });
}

/** gen_ai.output.messages of one answer. */
export function outputMessagesJson(
  parts: readonly Part[],
  finishReason: string | undefined,
  filter?: TextFilter,
): string | undefined {
  if (parts.length === 0 && finishReason === undefined) return undefined;
  const message: Message = {
    role: "assistant",
    parts,
    ...(finishReason === undefined ? {} : { finish_reason: finishReasonOf(finishReason) }),
  };
  return `[${messageJson(message, maxContentBytes - 2, filter)}]`;
}

/** gen_ai.system_instructions. */
export function systemInstructionsJson(
  instructions: unknown,
  filter?: TextFilter,
): string | undefined {
  const list = Array.isArray(instructions) ? instructions : [instructions];
  const parts = list.flatMap((item) => partsOf(record(item)?.["content"] ?? item));
  return parts.length === 0 ? undefined : partsJson(parts, maxContentBytes, filter);
}

/** The conventions' names of the SDK's finish reasons. */
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
