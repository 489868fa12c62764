import { type Case, type Dimension, dimensions, isAllowed, names } from "./dimensions.ts";

type Values = Partial<Case>;

/** Returns numbers between 0 and 1 that depend only on the seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const copy = [...values];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

/** Chooses the missing values of a case. Returns undefined if the rules allow none. */
function complete(major: 6 | 7, given: Values, random: () => number): Values | undefined {
  if (!isAllowed(major, given)) return undefined;
  // A dimension with strong rules restricts the others, so its value is chosen early.
  const open = shuffled(
    names.filter((name) => given[name] === undefined),
    random,
  );
  let budget = 4_000;
  const fill = (values: Values, at: number): Values | undefined => {
    const dimension = open[at];
    if (dimension === undefined) return values;
    for (const value of shuffled<unknown>(dimensions[dimension], random)) {
      budget -= 1;
      if (budget < 0) return undefined;
      const next = { ...values, [dimension]: value } as Values;
      if (!isAllowed(major, next)) continue;
      const found = fill(next, at + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return fill(given, 0);
}

type Pair = readonly [Dimension, unknown, Dimension, unknown];

function pairsOf(value: Values): string[] {
  const keys: string[] = [];
  names.forEach((a, i) => {
    for (const b of names.slice(i + 1)) keys.push(keyOf([a, value[a], b, value[b]]));
  });
  return keys;
}

function keyOf([a, valueOfA, b, valueOfB]: Pair): string {
  return `${a}=${valueOfA}, ${b}=${valueOfB}`;
}

/** Returns all pairs of values that the rules allow. */
export function allowedPairs(major: 6 | 7): ReadonlyMap<string, Pair> {
  const random = randomNumbers(major);
  const pairs = new Map<string, Pair>();
  names.forEach((a, i) => {
    for (const b of names.slice(i + 1)) {
      for (const valueOfA of dimensions[a]) {
        for (const valueOfB of dimensions[b]) {
          const pair: Pair = [a, valueOfA, b, valueOfB];
          if (pairs.has(keyOf(pair))) continue;
          const given = { [a]: valueOfA, [b]: valueOfB } as Values;
          for (let attempt = 0; attempt < 8; attempt += 1) {
            const found = complete(major, given, random);
            if (found === undefined) continue;
            // All pairs of a case that was found are allowed.
            for (const key of pairsOf(found)) pairs.set(key, pairOf(key));
            break;
          }
        }
      }
    }
  });
  return pairs;
}

function pairOf(key: string): Pair {
  const [a = "", b = ""] = key.split(", ");
  const read = (text: string): [Dimension, unknown] => {
    const at = text.indexOf("=");
    const dimension = text.slice(0, at) as Dimension;
    const value = dimensions[dimension].find((one) => String(one) === text.slice(at + 1));
    return [dimension, value];
  };
  return [...read(a), ...read(b)];
}

export interface Sample {
  readonly cases: readonly Case[];
  readonly pairs: number;
  readonly covered: number;
}

/** Returns `size` cases or more: enough to cover every pair of values that the rules allow, and random ones. */
export function sample(major: 6 | 7, seed: number, size: number): Sample {
  const random = randomNumbers(seed * 31 + major);
  const pairs = allowedPairs(major);
  const open = new Map(pairs);
  const cases: Case[] = [];
  const add = (found: Values) => {
    for (const key of pairsOf(found)) open.delete(key);
    cases.push({ ...found, major, seed: cases.length } as Case);
  };
  for (const [key, [a, valueOfA, b, valueOfB]] of pairs) {
    if (!open.has(key)) continue;
    const given = { [a]: valueOfA, [b]: valueOfB } as Values;
    let best: Values | undefined;
    let most = -1;
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const found = complete(major, given, random);
      if (found === undefined) continue;
      const gain = pairsOf(found).filter((one) => open.has(one)).length;
      if (gain > most) [best, most] = [found, gain];
    }
    if (best !== undefined) add(best);
  }
  while (cases.length < size) {
    const found = complete(major, {}, random);
    if (found !== undefined) add(found);
  }
  return { cases, pairs: pairs.size, covered: pairs.size - open.size };
}

/** Values that make a case simpler, by dimension: the first ones are the simplest. */
const simplest: Readonly<Partial<Record<Dimension, readonly unknown[]>>> = {
  way: ["wrap", "register", "channel"],
  script: ["text", "tool"],
  place: ["nowhere"],
  fault: ["none", "Error"],
  step: [0],
  ender: ["nobody", "abort"],
  when: ["-", "before", "request"],
  reader: ["-", "fullStream"],
  obeys: [true],
  content: [false],
  fn: ["generateText", "streamText"],
};

/**
 * Returns simpler variants of a case. Each differs in one dimension, or in a few that depend on each other by rules.
 */
export function simplerCases(value: Case): Case[] {
  const variants: Case[] = [];
  for (const dimension of names) {
    const better = simplest[dimension] ?? [];
    const at = better.indexOf(value[dimension]);
    for (const candidate of at < 0 ? better : better.slice(0, at)) {
      const changed = { ...value, [dimension]: candidate } as Case;
      if (isAllowed(value.major, changed)) variants.push(changed);
      else {
        // Adjusts the dimensions that the rules no longer allow.
        for (const other of names) {
          if (other === dimension) continue;
          for (const follow of simplest[other] ?? []) {
            const both = { ...changed, [other]: follow } as Case;
            if (isAllowed(value.major, both)) variants.push(both);
          }
        }
      }
    }
  }
  return variants;
}
