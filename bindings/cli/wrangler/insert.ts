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

/** The node at a path; undefined where there is none. */
export function nodeAt(text: string, path: JsonPath): Node | undefined {
  const root = parseTree(text.replace(/^\ufeff/, " "), [], { allowTrailingComma: true });
  return root && findNodeAtLocation(root, [...path]);
}

/**
 * Adds a member behind the last one of the object or the array at `path`. Nothing else of the text changes but the
 * comma that the member before needs; comments stay where they are.
 *
 * @param key of an object's member.
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
    // Of an object more members may follow.
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
  /** Where the last member ends, or the container begins. */
  readonly lastEnd: number;
  /** Where what belongs to it ends: its comma, comments behind it. */
  readonly contentEnd: number;
  /** Where the container's closing bracket is. */
  readonly close: number;
  /** A comma follows the last member already. */
  readonly hasComma: boolean;
  /** Members stand on the line of the opening bracket. */
  readonly isInline: boolean;
  /** Of a new member on a line of its own. */
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

/** What stands between the last member and the closing bracket. */
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

/** The indentation of the line something stands on. */
function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? "";
}
