import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "smol-toml";
import type { Addition } from "./additions.ts";
import { record } from "./sections.ts";

type Table = Record<string, unknown>;

/**
 * Returns the text of a TOML configuration with additions. Only inserts: tables at the end, and an item at the beginning
 * of a list of the top level. So comments and the layout stay.
 *
 * @returns Undefined if insertions cannot express the additions, for example because a list of tables is inline.
 */
export function editToml(text: string, additions: readonly Addition[]): string | undefined {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const expected: Table = parse(text.replace(/^\ufeff/, ""));
  let head = text;
  const tables: Addition[] = [];
  for (const addition of additions) {
    add(expected, addition);
    const [key] = addition.path;
    const isLine =
      addition.path.length === 1 && record(addition.item ?? addition.value) === undefined;
    if (isLine) head = insertItem(head, key as string, addition.item, eol);
    else tables.push(addition);
  }
  const tail = tablesOf(tables).replaceAll("\n", eol);
  const gap = /\n\s*$/.test(head) || head === "" ? eol : eol + eol;
  const after = tail === "" ? head : `${head}${head.trim() === "" ? "" : gap}${tail}`;
  try {
    const read = parse(after.replace(/^\ufeff/, ""));
    return isDeepStrictEqual(plain(read), plain(expected)) ? after : undefined;
  } catch {
    return undefined;
  }
}

/** Returns additions as tables of TOML. */
export function tablesOf(additions: readonly Addition[]): string {
  const added: Table = {};
  for (const addition of additions) add(added, addition);
  return additions.length === 0 ? "" : stringify(added);
}

function insertItem(text: string, key: string, item: unknown, eol: string): string {
  const list = new RegExp(`^(${key}[ \\t]*=[ \\t]*\\[)(\\s*\\])?`, "m");
  if (list.test(text)) {
    return text.replace(list, (_, open: string, close?: string) =>
      close === undefined ? `${open}${JSON.stringify(item)}, ` : `${open}${JSON.stringify(item)}]`,
    );
  }
  const line = `${key} = [${JSON.stringify(item)}]${eol}`;
  const firstTable = /^[ \t]*\[/m.exec(text)?.index;
  if (firstTable !== undefined) return text.slice(0, firstTable) + line + text.slice(firstTable);
  return text === "" || text.endsWith("\n") ? text + line : text + eol + line;
}

/** Adds to an object. An item that is no table becomes the first one, and a table the last one. */
function add(target: Table, { path, value, item }: Addition): void {
  let table = target;
  for (const key of path.slice(0, -1)) {
    table[key] ??= {};
    table = table[key] as Table;
  }
  const key = path.at(-1) as string;
  if (item === undefined) table[key] = value;
  else {
    const list = (table[key] ?? []) as readonly unknown[];
    table[key] = record(item) === undefined ? [item, ...list] : [...list, item];
  }
}

/** The parser's objects have other prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
