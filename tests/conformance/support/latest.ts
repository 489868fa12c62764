import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Schema, schemaErrors } from "./schema.ts";
import type { SeenSpan, Value } from "./spans.ts";

interface Attribute {
  readonly type: string;
  readonly deprecated?: unknown;
  readonly status?: string;
}

/** Standing of a name in the release: main, unconfirmed, removed or proposed. */
export interface Standing {
  readonly status: string;
  /** Of an unconfirmed name: whether nothing speaks against emitting it. */
  readonly emit?: boolean;
}

export interface SpanType extends Standing {
  readonly kind: string;
  readonly name_formula: string;
  readonly name_fallback?: readonly string[];
  readonly operation_name?: string | readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

interface EventType extends Standing {
  readonly severity_text: string;
  readonly severity_number: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A log record that is an event. */
export interface SeenEvent {
  readonly eventName: string;
  readonly severity: readonly [number, string];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Registry {
  readonly events: Readonly<Record<string, EventType>>;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly spans: Readonly<Record<string, SpanType>>;
  readonly proposed: readonly { readonly attributes?: Readonly<Record<string, unknown>> }[];
}

/** Whether the release has a name, or nothing speaks against it. */
export const isEmittable = ({ status, emit }: Standing): boolean =>
  status === "main" || (status === "unconfirmed" && emit === true);

function readData<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../data", name), "utf8")) as T;
}

function inline(name: string): Schema {
  const { inline_schemas } = readData<{ inline_schemas: Readonly<Record<string, Schema>> }>(
    "message-cases.json",
  );
  const schema = inline_schemas[name];
  if (schema === undefined) throw new Error(`there is no schema ${name}`);
  return schema;
}

const conventions = readFileSync(join(import.meta.dirname, "../../../docs/conventions.md"), "utf8");

/** The names that docs/conventions.md lists as unconfirmed, sorted. */
export function documentedUnconfirmed(signal: "span" | "metric"): string[] {
  const rows = conventions.matchAll(new RegExp(`^\\| ${signal} \`([^\`]+)\``, "gm"));
  return Array.from(rows, (row) => String(row[1])).sort();
}

export const registry = readData<Registry>("gen-ai.json");
const proposed = new Set(
  registry.proposed.flatMap(({ attributes = {} }) => Object.keys(attributes)),
);
const maxNameBytes = 64;

/** The schemas of attributes that hold JSON. Arguments and results of tools may be any JSON here. */
export const schemas: Readonly<Record<string, Schema>> = {
  "gen_ai.input.messages": readData("input-messages.schema.json"),
  "gen_ai.output.messages": readData("output-messages.schema.json"),
  "gen_ai.system_instructions": readData("system-instructions.schema.json"),
  "gen_ai.tool.definitions": inline("tool-definitions"),
};

/** Returns the type of the spans of an operation, and its name. Agents run in the Worker itself. */
export function spanTypeOf(operation: string): readonly [string, SpanType] | undefined {
  const types = Object.entries(registry.spans).filter(
    ([name, type]) =>
      [type.operation_name ?? []].flat().includes(operation) &&
      name !== "gen_ai.invoke_agent.client",
  );
  if (types.length > 1) throw new Error(`${operation} has ${types.length} types of spans`);
  return types[0];
}

/** What a span of profile `latest` has that the conventions do not allow, or lacks. */
export function latestViolations(span: SeenSpan): string[] {
  const { name, attributes, status } = span;
  const violations = Object.entries(attributes).flatMap(([key, value]) =>
    keyViolations(key, value),
  );
  if (status === "error" && attributes["error.type"] === undefined) {
    violations.push("has failed without error.type");
  }
  if (status !== "error" && attributes["error.type"] !== undefined) {
    violations.push("carries error.type without having failed");
  }
  if (attributes["server.address"] !== undefined && attributes["server.port"] === undefined) {
    violations.push("lacks server.port");
  }
  const operation = attributes["gen_ai.operation.name"];
  if (operation === undefined) {
    // The conventions know of no approvals.
    return name.startsWith("tool_approval") ? violations : [...violations, "has no operation"];
  }
  const [typeName, type] = spanTypeOf(String(operation)) ?? [];
  if (type === undefined) {
    // Custom operations are allowed where none of the registered applies.
    return operation === "rerank" ? violations : [...violations, `is of operation ${operation}`];
  }
  if (!isEmittable(type)) violations.push(`is of the ${type.status} type ${typeName}`);
  for (const [key, level] of Object.entries(type.attributes)) {
    if (level === "required" && attributes[key] === undefined) violations.push(`lacks ${key}`);
  }
  if (attributes["gen_ai.request.model"] === undefined && type.kind === "client") {
    violations.push("lacks gen_ai.request.model");
  }
  const formulas = [type.name_formula, ...(type.name_fallback ?? [])];
  const names = formulas.map((formula) => nameOf(formula, attributes));
  const isLong = names.some((full) => Buffer.byteLength(full) > maxNameBytes);
  if (!names.includes(name) && !(isLong && name === operation)) {
    violations.push(`is named "${name}"`);
  }
  return violations;
}

/** What an event has that the conventions do not allow, or lacks. Content has to be structured. */
export function eventViolations({ eventName, severity, attributes }: SeenEvent): string[] {
  const type = registry.events[eventName];
  if (type === undefined) return ["no such event"];
  const violations = isEmittable(type) ? [] : [`is ${type.status}`];
  if (severity[0] !== type.severity_number || severity[1] !== type.severity_text) {
    violations.push(`has severity ${severity.join(" ")}`);
  }
  for (const [key, value] of Object.entries(attributes)) {
    const isContent = schemas[key] !== undefined;
    const shown = isContent && typeof value === "object" ? JSON.stringify(value) : value;
    if (isContent && typeof value !== "object") violations.push(`${key} is not structured`);
    violations.push(...keyViolations(key, shown as Value));
  }
  for (const [key, level] of Object.entries(type.attributes)) {
    if (level === "required" && attributes[key] === undefined) violations.push(`lacks ${key}`);
  }
  const isException = eventName.endsWith(".exception");
  if (isException && !("exception.type" in attributes || "exception.message" in attributes)) {
    violations.push("lacks exception.type");
  }
  return violations;
}

export function nameOf(formula: string, attributes: SeenSpan["attributes"]): string {
  return formula.replaceAll(/\{([^}]+)\}/g, (_, key: string) => String(attributes[key]));
}

/** What is wrong with an attribute, on any span. */
export function keyViolations(key: string, value: Value): string[] {
  const attribute = registry.attributes[key];
  if (attribute === undefined) {
    if (proposed.has(key)) return [`carries proposed ${key}`];
    return key.startsWith("gen_ai.") ? [`carries unregistered ${key}`] : [];
  }
  const violations: string[] = [];
  if (attribute.deprecated !== undefined) violations.push(`carries deprecated ${key}`);
  if (attribute.status === "removed") violations.push(`carries removed ${key}`);
  if (!isOfType(attribute.type, value)) violations.push(`${key} is ${JSON.stringify(value)}`);
  const schema = schemas[key];
  if (schema !== undefined && typeof value === "string") {
    violations.push(...messageViolations(key, schema, value));
  }
  return violations;
}

export function messageViolations(key: string, schema: Schema, json: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return [`${key} is no JSON`];
  }
  return schemaErrors(schema, value).map(({ path, keyword }) => `${key}: ${keyword} at ${path}`);
}

function isOfType(type: string, value: Value): boolean {
  switch (type) {
    case "string":
    case "any":
      return typeof value === "string";
    case "int":
      return Number.isInteger(value);
    case "double":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "string[]":
      // A runtime whose attributes hold no lists has the list as JSON.
      return Array.isArray(value) || (typeof value === "string" && value.startsWith("["));
    default:
      return true;
  }
}
