import { utf8Length } from "../../base/bytes.ts";
import { record, text } from "../../base/values.ts";
import { Field, Profile } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import { boundedJson, type TextFilter } from "./bounded_json.ts";
import {
  inputMessagesJson,
  maxContentBytes,
  outputMessagesJson,
  promptMessages,
  systemInstructionsJson,
} from "./messages.ts";
import type { Part } from "./parts.ts";

/** Takes content as JSON, undefined for none: the fields of a span, or a log record. */
export interface ContentFields {
  verbatim(field: number, json: string | undefined): unknown;
  /** Maximum number of bytes of one attribute. Default: {@link maxContentBytes}. */
  readonly maxBytes?: number;
}

/**
 * Adds the prompt of a model call to its start fields. The profile "latest" has a separate attribute for instructions.
 * In "agents" they are the first message.
 *
 * @param settings The options of doGenerate, or the SDK's event for it.
 */
export function addInput(
  fields: ContentFields,
  settings: Readonly<Record<string, unknown>>,
  profile: number,
  redact: Redact | undefined,
): void {
  const prompt = settings["prompt"] ?? settings["messages"];
  const list = Array.isArray(prompt) ? (prompt as unknown[]) : undefined;
  const leading = list === undefined ? 0 : countLeadingSystem(list);
  const { instructions } = settings;
  if (profile === Profile.latest) {
    const system = [...toList(instructions), ...(list?.slice(0, leading) ?? [])];
    if (system.length > 0) {
      const filter = filterFor(redact, "gen_ai.system_instructions");
      fields.verbatim(
        Field.systemInstructions,
        systemInstructionsJson(system, filter, fields.maxBytes),
      );
    }
    addMessages(fields, list?.slice(leading) ?? prompt, redact);
    return;
  }
  const system = toList(instructions).map((item) => ({
    role: "system",
    content: record(item)?.["content"] ?? item,
  }));
  addMessages(fields, list === undefined ? prompt : [...system, ...list], redact);
}

function addMessages(fields: ContentFields, prompt: unknown, redact: Redact | undefined): void {
  const filter = filterFor(redact, "gen_ai.input.messages");
  fields.verbatim(
    Field.inputMessages,
    inputMessagesJson(promptMessages(prompt), filter, fields.maxBytes),
  );
}

/** Adds the response of a model to its finish fields. In the profile "latest", messages have no finish reason. */
export function addOutput(
  fields: ContentFields,
  parts: readonly Part[],
  finishReason: string | undefined,
  profile: number,
  redact: Redact | undefined,
): void {
  const filter = filterFor(redact, "gen_ai.output.messages");
  const reason = profile === Profile.latest ? undefined : finishReason;
  fields.verbatim(Field.outputMessages, outputMessagesJson(parts, reason, filter, fields.maxBytes));
}

/** Adds the tools that a model may call to its start fields. The profile "agents" has no attribute for them. */
export function addToolDefinitions(
  fields: ContentFields,
  settings: Readonly<Record<string, unknown>>,
  profile: number,
  redact: Redact | undefined,
): void {
  if (profile !== Profile.latest) return;
  const filter = filterFor(redact, "gen_ai.tool.definitions");
  fields.verbatim(
    Field.toolDefinitions,
    toolDefinitionsJson(settings["tools"], filter, fields.maxBytes),
  );
}

/** Adds the arguments of a tool to its start fields, or its result to its finish fields. */
export function addToolValue(
  fields: SpanFields,
  field: typeof Field.toolCallArguments | typeof Field.toolCallResult,
  value: unknown,
  redact: Redact | undefined,
): void {
  const isArguments = field === Field.toolCallArguments;
  const key = isArguments ? "gen_ai.tool.call.arguments" : "gen_ai.tool.call.result";
  fields.verbatim(field, boundedJson(value, maxContentBytes, filterFor(redact, key)));
}

function filterFor(redact: Redact | undefined, key: string): TextFilter | undefined {
  return redact && ((value) => redact(key, value));
}

function toList(value: unknown): unknown[] {
  if (value === undefined || value === null || value === "") return [];
  return Array.isArray(value) ? value : [value];
}

function countLeadingSystem(messages: readonly unknown[]): number {
  const other = messages.findIndex((message) => text(record(message)?.["role"]) !== "system");
  return other === -1 ? messages.length : other;
}

/** The largest share of the attribute that one definition takes. */
const maxDefinitionShare = 1 / 4;
/** If fewer bytes are left, a definition is left out instead of truncated. */
const minDefinitionBytes = 256;
/** Bytes reserved for brackets, commas and the note about omitted definitions. */
const reservedBytes = 80;

/** Keys that identify a tool. Their values are not redacted. */
const structure: ReadonlySet<string> = new Set(["type", "name"]);

/**
 * Returns gen_ai.tool.definitions of the tools that the SDK passes to a model. If there are too many, an entry of type
 * `omitted` has the number of missing ones. A tool that the provider runs has only its name and id, because its
 * settings may hold credentials.
 */
export function toolDefinitionsJson(
  tools: unknown,
  filter?: TextFilter,
  maxBytes: number = maxContentBytes,
): string | undefined {
  if (!Array.isArray(tools) || tools.length === 0) return undefined;
  const kept: string[] = [];
  let left = maxBytes - reservedBytes;
  for (const [index, tool] of tools.entries()) {
    if (left < minDefinitionBytes) {
      kept.push(JSON.stringify({ type: "omitted", name: "", tools: tools.length - index }));
      break;
    }
    const bytes = Math.min(left, maxBytes * maxDefinitionShare);
    const json = boundedJson(definitionOf(tool), bytes, filter, structure) ?? "null";
    left -= utf8Length(json) + 1;
    kept.push(json);
  }
  return `[${kept.join(",")}]`;
}

function definitionOf(value: unknown): object {
  const tool = record(value);
  const name = text(tool?.["name"]) ?? "";
  if (tool?.["type"] !== "function") return { type: "extension", name, id: tool?.["id"] };
  const { description, inputSchema } = tool;
  return { type: "function", name, description, parameters: inputSchema };
}
