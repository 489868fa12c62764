import { CliError } from "../command.ts";
import { insertMember, type JsonPath, nodeAt } from "./insert.ts";
import type { Node } from "./jsonc_text.ts";

/** An addition to a configuration: a value at a path, or an item for the list at the path. */
export interface Addition {
  readonly path: readonly string[];
  readonly value?: unknown;
  readonly item?: unknown;
}

interface Insertion {
  readonly container: JsonPath;
  readonly key: string | undefined;
  value: unknown;
}

/**
 * Returns the text of a configuration with additions. Creates missing objects and lists.
 *
 * @throws CliError if a value of another type is at a path.
 */
export function applyAdditions(
  text: string,
  additions: readonly Addition[],
  shownPath: string,
): string {
  const insertions = new Map<string, Insertion>();
  let items = 0;
  for (const { path, value, item } of additions) {
    const depth = existingDepth(text, path, shownPath);
    if (depth === path.length && item !== undefined) {
      expectType(nodeAt(text, path), "array", path, shownPath);
      items += 1;
      insertions.set(`item ${items}`, { container: path, key: undefined, value: item });
      continue;
    }
    const place = JSON.stringify(path.slice(0, depth + 1));
    const nested = nest(path.slice(depth + 1), item === undefined ? value : [item]);
    const known = insertions.get(place);
    if (known !== undefined) known.value = merge(known.value, nested);
    else {
      insertions.set(place, { container: path.slice(0, depth), key: path[depth], value: nested });
    }
  }
  let changed = text;
  for (const { container, key, value } of insertions.values()) {
    changed = insertMember(changed, container, key, value);
  }
  return changed;
}

/** Returns the number of steps of a path that exist. */
function existingDepth(text: string, path: readonly string[], shownPath: string): number {
  for (let depth = 0; depth < path.length; depth += 1) {
    expectType(nodeAt(text, path.slice(0, depth)), "object", path.slice(0, depth), shownPath);
    if (nodeAt(text, path.slice(0, depth + 1)) === undefined) return depth;
  }
  return path.length;
}

function expectType(
  node: Node | undefined,
  type: "object" | "array",
  path: readonly string[],
  shownPath: string,
): void {
  if (node?.type === type) return;
  const what = type === "array" ? "a list" : "an object";
  throw new CliError(`${shownPath}: ${path.join(".")} has to be ${what}: correct the file first`);
}

function nest(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

function merge(first: unknown, second: unknown): unknown {
  if (Array.isArray(first) && Array.isArray(second)) return [...first, ...second];
  if (typeof first !== "object" || typeof second !== "object") return second;
  const merged: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(second ?? {})) {
    merged[key] = Object.hasOwn(merged, key) ? merge(merged[key], value) : value;
  }
  return merged;
}
