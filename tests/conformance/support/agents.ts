import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SeenSpan, Value } from "./spans.ts";

interface Operation {
  readonly name: string;
  readonly operation?: string;
  readonly target: readonly string[];
}

interface Attribute {
  readonly type: "string" | "number" | "count" | "positive" | "true" | "json";
  /** Letters of the operations that may carry it, and of those that must. */
  readonly on: string;
  readonly required?: string;
  readonly enum?: readonly string[];
  readonly max_bytes?: number;
}

interface Table {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly prefixes: Readonly<Record<string, string>>;
  readonly max_name_bytes: number;
}

const table = JSON.parse(
  readFileSync(join(import.meta.dirname, "../data/agents.json"), "utf8"),
) as Table;

/** What a span of profile `agents` has that the table does not allow, or lacks. */
export function agentsViolations(span: SeenSpan): string[] {
  const { attributes, name, status } = span;
  const operationName = attributes["gen_ai.operation.name"];
  const found = Object.entries(table.operations).find(
    ([, operation]) =>
      (operation.operation ?? operation.name) === operationName &&
      name.split(" ")[0] === operation.name,
  );
  if (found === undefined) return [`is named "${name}" with operation ${String(operationName)}`];
  const [letter, operation] = found;
  const violations = Object.entries(attributes).flatMap(([key, value]) =>
    attributeViolations(letter, key, value),
  );
  for (const [key, { required }] of Object.entries(table.attributes)) {
    if (required?.includes(letter) && attributes[key] === undefined)
      violations.push(`lacks ${key}`);
  }
  if (!expectedNames(operation, attributes).includes(name)) {
    violations.push(`is named "${name}"`);
  }
  if (status === "error" && attributes["error.type"] === undefined) {
    violations.push("has failed without error.type");
  }
  if (attributes["cloudflare.agents.canceled"] === true && status === "error") {
    violations.push("is both cancelled and failed");
  }
  return violations;
}

function expectedNames(operation: Operation, attributes: SeenSpan["attributes"]): string[] {
  const [target] = operation.target.map((key) => attributes[key]);
  if (target === undefined) return [operation.name];
  const name = `${operation.name} ${String(target)}`;
  return [Buffer.byteLength(name) <= table.max_name_bytes ? name : operation.name];
}

function attributeViolations(letter: string, key: string, value: Value): string[] {
  const prefix = Object.keys(table.prefixes).find((start) => key.startsWith(start));
  if (prefix !== undefined) {
    const isAllowed = table.prefixes[prefix]?.includes(letter) === true;
    if (!isAllowed) return [`carries ${key}`];
    const isTurn = prefix === "cloudflare.agents.turn.";
    return isTurn && typeof value === "object" ? [`${key} is no scalar`] : [];
  }
  const attribute = table.attributes[key];
  if (attribute === undefined) {
    // A tool of an MCP server has the address of that server.
    if (letter === "T" && key.startsWith("server.")) return [];
    // Keys of the user's own are free; these name spaces are not the user's.
    return /^(gen_ai|cloudflare|isotel|otel|server)\./.test(key) ? [`carries unknown ${key}`] : [];
  }
  const violations: string[] = [];
  if (!attribute.on.includes(letter)) violations.push(`carries ${key}`);
  if (!isOfType(attribute.type, value)) violations.push(`${key} is ${JSON.stringify(value)}`);
  if (attribute.enum?.includes(String(value)) === false) violations.push(`${key} is ${value}`);
  if (attribute.max_bytes !== undefined && Buffer.byteLength(String(value)) > attribute.max_bytes) {
    violations.push(`${key} is too long`);
  }
  return violations;
}

function isOfType(type: Attribute["type"], value: Value): boolean {
  switch (type) {
    case "string":
      return typeof value === "string" && value !== "";
    case "number":
      return typeof value === "number";
    case "count":
      return typeof value === "number" && value >= 0;
    case "positive":
      return typeof value === "number" && value > 0;
    case "true":
      return value === true;
    case "json":
      return typeof value === "string" && isJson(value);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
