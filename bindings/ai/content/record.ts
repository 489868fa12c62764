import { Field, Profile } from "../../core/abi.gen.ts";
import type { FieldSet } from "../../core/field_set.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import { record, text } from "../read.ts";
import { boundedJson, type TextFilter } from "./bounded_json.ts";
import {
  inputMessagesJson,
  maxContentBytes,
  outputMessagesJson,
  promptMessages,
  systemInstructionsJson,
} from "./messages.ts";
import type { Part } from "./parts.ts";
import { toolDefinitionsJson } from "./tool_definitions.ts";

/**
 * Puts the prompt of a model call into its start fields. `settings` are the options of doGenerate or the SDK's event
 * for it; profile latest has instructions in an attribute of their own, agents as the first message.
 */
export function addInput(
  fields: FieldSet,
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

function addMessages(fields: FieldSet, prompt: unknown, redact: Redact | undefined): void {
  const filter = filterFor(redact, "gen_ai.input.messages");
  fields.verbatim(Field.inputMessages, inputMessagesJson(promptMessages(prompt), filter));
}

/** Puts the answer of a model into its finish fields. Profile latest has no finish reason inside messages. */
export function addOutput(
  fields: FieldSet,
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
  fields: FieldSet,
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
  fields: FieldSet,
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
