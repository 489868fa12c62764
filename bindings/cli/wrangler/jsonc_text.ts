import * as jsonc from "jsonc-parser";

/** The layout of a file. */
export interface Layout {
  readonly eol: string;
  /** One level of indentation. */
  readonly unit: string;
}

const maxLineLength = 100;

export function layoutOf(text: string): Layout {
  const indent = /^([ \t]+)["/]/m.exec(text)?.[1] ?? "  ";
  return {
    eol: text.includes("\r\n") ? "\r\n" : "\n",
    unit: indent.startsWith("\t") ? "\t" : indent,
  };
}

/**
 * Formats a value as JSON. Uses one line if it fits, otherwise one line for each member.
 *
 * @param used The text before it on its first line.
 */
export function formatValue(value: unknown, layout: Layout, indent: string, used = indent): string {
  const line = oneLine(value);
  if (used.length + line.length <= maxLineLength) return line;
  return onLines(value, layout, indent);
}

/** Formats a value as JSON with one line for each member. */
export function onLines(value: unknown, layout: Layout, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = indent + layout.unit;
  const isArray = Array.isArray(value);
  const members = Object.entries(value).map(([key, member]: [string, unknown]) => {
    const head = isArray ? inner : `${inner}${JSON.stringify(key)}: `;
    return head + formatValue(member, layout, inner, `${head},`);
  });
  const [open, close] = isArray ? "[]" : "{}";
  return `${open}${layout.eol}${members.join(`,${layout.eol}`)}${layout.eol}${indent}${close}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${oneLine(member)}`,
  );
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

// In Node the package is CommonJS and has a default export. A bundler uses its ES modules.
const { createScanner, findNodeAtLocation, parse, parseTree, printParseErrorCode } =
  (jsonc as { readonly default?: typeof jsonc }).default ?? jsonc;

export type { Node, ParseError } from "jsonc-parser";
export { createScanner, findNodeAtLocation, parse, parseTree, printParseErrorCode };

/** Token kinds. The package exports them as types only. */
export const Token = {
  openBrace: 1,
  closeBrace: 2,
  openBracket: 3,
  closeBracket: 4,
  comma: 5,
  lineBreak: 14,
  space: 15,
  end: 17,
} as const;
