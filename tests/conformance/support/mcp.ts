import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isEmittable, keyViolations, nameOf, registry } from "./latest.ts";
import type { SeenSpan } from "./spans.ts";

interface Rules {
  readonly operation_name: Readonly<Record<string, string | null>>;
  readonly error_type: Readonly<Record<string, string>>;
  readonly status_code: { readonly key: string };
  readonly server_not_error_codes: readonly number[];
}

const { mcp_rules: rules } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../data/gen-ai.json"), "utf8"),
) as { readonly mcp_rules: Rules };

/** Keys of this library that every span may have. */
const own = ["cloudflare.agents.canceled", "cloudflare.agents.span.truncated", "exception.message"];

/** Whether a span is one of a client or a server of MCP. A span of a tool may have the same attributes. */
export const isMCP = ({ attributes }: SeenSpan): boolean =>
  attributes["mcp.method.name"] !== undefined &&
  attributes["cloudflare.agents.integration.name"] === undefined;

/**
 * What a span of MCP has that the conventions do not allow, or lacks.
 *
 * @param side which span it is. Undefined if that is not known, as for spans of the runtime.
 */
export function mcpViolations(span: SeenSpan, side?: "client" | "server"): string[] {
  const { name, status, attributes } = span;
  const types = (side === undefined ? ["client", "server"] : [side]).map((kind) => {
    const type = registry.spans[`mcp.${kind}`];
    if (type === undefined) throw new Error(`there is no span mcp.${kind}`);
    return type;
  });
  const violations: string[] = [];
  if (!types.every(isEmittable)) violations.push("is not in the release");
  for (const [key, value] of Object.entries(attributes)) {
    violations.push(...keyViolations(key.replace(/^(gen_ai\.prompt\.variable)\..*/, "$1"), value));
    const general = key.replace(/^(gen_ai\.prompt\.variable)\..*/, "$1");
    const isKnown = types.some((type) => type.attributes[general] !== undefined);
    if (!isKnown && !own.includes(key)) violations.push(`carries ${key}`);
  }
  for (const [key, level] of Object.entries(types[0]?.attributes ?? {})) {
    if (level === "required" && attributes[key] === undefined) violations.push(`lacks ${key}`);
  }
  const has = (key: string) => attributes[key] !== undefined;
  const method = String(attributes["mcp.method.name"]);
  const isOf = (of: string, key: string) => {
    if ((method === of) !== has(key)) violations.push(`${method} and ${key}`);
  };
  isOf("tools/call", "gen_ai.tool.name");
  isOf("prompts/get", "gen_ai.prompt.name");
  if (method.startsWith("notifications/") === has("jsonrpc.request.id")) {
    violations.push("has an id though it is a notification, or none though it is a request");
  }
  const operation = rules.operation_name[`mcp.method.name=${method}`] ?? undefined;
  if (attributes["gen_ai.operation.name"] !== operation) violations.push("gen_ai.operation.name");
  if (has("server.address") !== has("server.port")) violations.push("server.address, server.port");
  const target = ["gen_ai.tool.name", "gen_ai.prompt.name"].find(has);
  const expected = nameOf(
    `{mcp.method.name}${target === undefined ? "" : ` {${target}}`}`,
    attributes,
  );
  if (name !== expected) violations.push(`is named "${name}"`);
  const code = attributes[rules.status_code.key];
  const type = attributes["error.type"];
  if ((status === "error") !== (type !== undefined)) violations.push(`${status} with ${type}`);
  if (code !== undefined) {
    const isMistake = side === "server" && rules.server_not_error_codes.includes(Number(code));
    if (side !== undefined && (type === undefined) !== isMistake)
      violations.push(`${type} for ${code}`);
    if (type !== undefined && type !== code) violations.push(`error.type ${type} for ${code}`);
  }
  return violations;
}
