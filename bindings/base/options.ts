import { reportOnce } from "./report_once.ts";
import { shapeOf } from "./values.ts";

/** The names of the options of an interface. The compiler checks that none is missing. */
export type OptionNames<T> = Readonly<Record<keyof Required<T>, true>>;

/** Names that are longer are cut in messages. */
const maxNameLength = 40;

/**
 * Returns a message about an option that does not exist: its name, the shape of its value and the nearest name.
 * Undefined if all options exist. An option that is undefined counts as not given. Never calls a getter of an option
 * that exists.
 *
 * @param source Where the options belong, such as `isotel/ai`. The message begins with it.
 */
export function unknownOption(
  source: string,
  options: object,
  names: Readonly<Record<string, true>>,
): string | undefined {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    const shown = name.slice(0, maxNameLength);
    const all = Object.keys(names);
    return (
      `${source}: there is no option ${JSON.stringify(shown)} (its value is ${shapeOf(value)}). ` +
      `The nearest one is ${nearestOf(shown, all)}. The options are ${all.join(", ")}`
    );
  }
  return undefined;
}

/** Logs once if options contain one that does not exist. For options that are read at run time. Never throws. */
export function reportUnknownOption(
  source: string,
  options: unknown,
  names: Readonly<Record<string, true>>,
): void {
  if (typeof options !== "object" || options === null) return;
  try {
    const problem = unknownOption(source, options, names);
    if (problem !== undefined) reportOnce(`${problem}. It is ignored`);
  } catch {
    // A proxy or a getter of the user threw. The code that reads the options handles it.
  }
}

/** Returns the nearest name if it may be what a text was meant to be: if at most a third of it differs. */
export function similarTo(text: string, names: readonly string[]): string | undefined {
  const nearest = nearestOf(text, names);
  return distance(text, nearest) <= Math.max(text.length, nearest.length) / 3 ? nearest : undefined;
}

/** Returns the name that differs least from a text. There has to be at least one. */
export function nearestOf(text: string, names: readonly string[]): string {
  return names.reduce((a, b) => (distance(text, b) < distance(text, a) ? b : a));
}

/** The number of characters to insert, remove or replace. Upper and lower case are equal. */
function distance(from: string, to: string): number {
  const [a, b] = [from.toLowerCase(), to.toLowerCase()];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, (above[j] as number) + 1, (row[j - 1] as number) + 1);
    }
  }
  return row[b.length] as number;
}
