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

/**
 * Puts the prompt of a model call into its start fields. `settings` are the options of doGenerate or the SDK's event
 * for it; profile latest has instructions in an attribute of their own, agents as the first message.
 */
export function addInput(
  fields: SpanFields,
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
      fields.verbatim(Field.systemInstructions, systemInstructionsJson(system, filter));
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

function addMessages(fields: SpanFields, prompt: unknown, redact: Redact | undefined): void {
  const filter = filterFor(redact, "gen_ai.input.messages");
  fields.verbatim(Field.inputMessages, inputMessagesJson(promptMessages(prompt), filter));
}

/** Puts the answer of a model into its finish fields. Profile latest has no finish reason inside messages. */
export function addOutput(
  fields: SpanFields,
  parts: readonly Part[],
  finishReason: string | undefined,
  profile: number,
  redact: Redact | undefined,
): void {
  const filter = filterFor(redact, "gen_ai.output.messages");
  const reason = profile === Profile.latest ? undefined : finishReason;
  fields.verbatim(Field.outputMessages, outputMessagesJson(parts, reason, filter));
}

/** Puts the tools a model is offered into its start fields. Profile agents has no name for them. */
export function addToolDefinitions(
  fields: SpanFields,
  settings: Readonly<Record<string, unknown>>,
  profile: number,
  redact: Redact | undefined,
): void {
  if (profile !== Profile.latest) return;
  const filter = filterFor(redact, "gen_ai.tool.definitions");
  fields.verbatim(Field.toolDefinitions, toolDefinitionsJson(settings["tools"], filter));
}

/** Puts the arguments of a tool into its start fields, or its result into its finish fields. */
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

/** The most one definition may take. */
const maxDefinitionBytes = maxContentBytes / 4;
/** A definition is left out rather than cut below this. */
const minDefinitionBytes = 256;
/** Room for the note of how many definitions were left out, brackets and commas. */
const reservedBytes = 80;

/** What a tool is, rather than what it is for: not for redaction. */
const structure: ReadonlySet<string> = new Set(["type", "name"]);

/**
 * gen_ai.tool.definitions of the tools a model is offered, as the SDK hands them to it. Where there are too many, an
 * entry of type `omitted` says how many are missing. Of a tool the provider runs only its name and identifier: its
 * settings may hold credentials.
 */
export function toolDefinitionsJson(tools: unknown, filter?: TextFilter): string | undefined {
  if (!Array.isArray(tools) || tools.length === 0) return undefined;
  const kept: string[] = [];
  let left = maxContentBytes - reservedBytes;
  for (const [index, tool] of tools.entries()) {
    if (left < minDefinitionBytes) {
      kept.push(JSON.stringify({ type: "omitted", name: "", tools: tools.length - index }));
      break;
    }
    const bytes = Math.min(left, maxDefinitionBytes);
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
