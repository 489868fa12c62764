import * as jsonc from "jsonc-parser";

/** How a file is laid out. */
export interface Layout {
  readonly eol: string;
  /** One step of indentation. */
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
 * A value as JSON: on one line where it fits, or else each of its members on a line of its own.
 *
 * @param used what stands before it on its first line.
 */
export function formatValue(value: unknown, layout: Layout, indent: string, used = indent): string {
  const line = oneLine(value);
  if (used.length + line.length <= maxLineLength) return line;
  return onLines(value, layout, indent);
}

/** The same, its own members on lines of their own in any case. */
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

// Node takes the package's CommonJS, which is a default export to it; a bundler takes its modules.
const { createScanner, findNodeAtLocation, parse, parseTree, printParseErrorCode } =
  (jsonc as { readonly default?: typeof jsonc }).default ?? jsonc;

export type { Node, ParseError } from "jsonc-parser";
export { createScanner, findNodeAtLocation, parse, parseTree, printParseErrorCode };

/** Kinds of tokens, of which the package has only types. */
export const Token = { comma: 5, lineBreak: 14, space: 15, end: 17 } as const;
