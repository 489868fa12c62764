import {
  createScanner,
  findNodeAtLocation,
  formatValue,
  type Layout,
  layoutOf,
  type Node,
  onLines,
  parseTree,
  Token,
} from "./jsonc_text.ts";

export type JsonPath = readonly (string | number)[];

/** Returns the node at a path. Undefined if there is none. */
export function nodeAt(text: string, path: JsonPath): Node | undefined {
  const root = parseTree(text.replace(/^\ufeff/, " "), [], { allowTrailingComma: true });
  return root && findNodeAtLocation(root, [...path]);
}

/**
 * Inserts a member after the last one of the object or array at `path`. The only other change is a comma after the
 * previous member. Comments keep their positions.
 *
 * @param key Key of an object's member. Undefined for an array.
 */
export function insertMember(
  text: string,
  path: JsonPath,
  key: string | undefined,
  value: unknown,
): string {
  const container = nodeAt(text, path);
  if (container === undefined) throw new Error(`there is nothing at ${path.join(".")}`);
  const head = key === undefined ? "" : `${JSON.stringify(key)}: `;
  const place = placeIn(text, container);
  const layout = layoutOf(text);
  if (place.isInline) return insertInline(text, place, head, value, layout);
  const isEmpty = place.last === undefined && place.contentEnd === place.lastEnd;
  if (isEmpty && path.length > 0) {
    const whole = key === undefined ? [value] : { [key]: value };
    const used = text.slice(text.lastIndexOf("\n", container.offset) + 1, container.offset);
    // More members may follow in an object.
    const body =
      key === undefined
        ? formatValue(whole, layout, place.closeIndent, `${used},`)
        : onLines(whole, layout, place.closeIndent);
    return text.slice(0, container.offset) + body + text.slice(place.close + 1);
  }
  const { indent } = place;
  const isLikeLast = place.last !== undefined && isOnLines(text, place.last);
  const body =
    key === undefined && isLikeLast && typeof value === "object"
      ? onLines(value, layout, indent)
      : formatValue(value, layout, indent, `${indent}${head},`);
  const added = `${layout.eol}${indent}${head}${body}${place.hasComma ? "," : ""}`;
  const rest = text.slice(place.contentEnd, place.close);
  const tail = rest.includes("\n") ? rest : layout.eol + place.closeIndent;
  return (
    text.slice(0, place.lastEnd) +
    (place.last === undefined || place.hasComma ? "" : ",") +
    text.slice(place.lastEnd, place.contentEnd) +
    added +
    tail +
    text.slice(place.close)
  );
}

interface Place {
  readonly last: Node | undefined;
  /** End of the last member, or start of the container. */
  readonly lastEnd: number;
  /** End of what belongs to the last member: its comma, and comments after it. */
  readonly contentEnd: number;
  /** Position of the closing bracket. */
  readonly close: number;
  /** Whether a comma follows the last member. */
  readonly hasComma: boolean;
  /** Whether members are on the line of the opening bracket. */
  readonly isInline: boolean;
  /** Indentation of a new member on a separate line. */
  readonly indent: string;
  readonly closeIndent: string;
}

function placeIn(text: string, container: Node): Place {
  const open = container.offset;
  const close = container.offset + container.length - 1;
  const last = container.children?.at(-1);
  const lastEnd = last === undefined ? open + 1 : last.offset + last.length;
  const tail = scanTail(text, lastEnd, close);
  const first = container.children?.[0];
  const closeIndent = indentAt(text, open);
  const { unit } = layoutOf(text);
  return {
    last,
    lastEnd,
    close,
    closeIndent,
    ...tail,
    isInline: first !== undefined && !text.slice(open, first.offset).includes("\n"),
    indent: last === undefined ? closeIndent + unit : indentAt(text, last.offset),
  };
}

/** Scans the text between the last member and the closing bracket. */
function scanTail(text: string, start: number, close: number) {
  const scanner = createScanner(text);
  scanner.setPosition(start);
  let contentEnd = start;
  let hasComma = false;
  for (;;) {
    const token: number = scanner.scan();
    const at = scanner.getTokenOffset();
    if (token === Token.end || at >= close) return { contentEnd, hasComma };
    if (token === Token.space || token === Token.lineBreak) continue;
    hasComma ||= token === Token.comma;
    contentEnd = at + scanner.getTokenLength();
  }
}

function insertInline(
  text: string,
  { lastEnd, contentEnd, hasComma, last }: Place,
  head: string,
  value: unknown,
  layout: Layout,
): string {
  const isLikeLast = last !== undefined && isOnLines(text, last) && typeof value === "object";
  const indent = indentAt(text, lastEnd);
  const body = isLikeLast ? onLines(value, layout, indent) : formatValue(value, layout, indent, "");
  if (hasComma) {
    return `${text.slice(0, contentEnd)} ${head}${body},${text.slice(contentEnd)}`;
  }
  return `${text.slice(0, lastEnd)}, ${head}${body}${text.slice(lastEnd)}`;
}

function isOnLines(text: string, node: Node): boolean {
  return text.slice(node.offset, node.offset + node.length).includes("\n");
}

/** Returns the indentation of the line at an offset. */
function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? "";
}
