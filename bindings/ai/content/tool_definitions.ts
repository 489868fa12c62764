import { utf8Length } from "../../core/utf8.ts";
import { record, text } from "../read.ts";
import { boundedJson, type TextFilter } from "./bounded_json.ts";
import { maxContentBytes } from "./messages.ts";

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
