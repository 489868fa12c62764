import type { Span } from "../../../harness/spans.ts";

/** How a span of isotel differs from that of the `agents` package. */
export const kinds = ["only isotel", "only agents", "other value"] as const;

export interface Difference {
  /** First word of the span's name. */
  readonly span: string;
  /** Key of an attribute, or `span`, `name`, `status` or `end`. */
  readonly what: string;
  readonly kind: (typeof kinds)[number];
  /** Both values, for the message of a failed assertion. */
  readonly shown: string;
}

/** Attributes that are times. */
const timed = "gen_ai.response.time_to_first_chunk";

/** Returns the differences of all spans below two spans. */
export function differencesBelow(spans: readonly Span[], agents: Span, isotel: Span): Difference[] {
  const found: Difference[] = [];
  for (const [theirs, ours] of pairsBelow(spans, agents, isotel)) {
    const some = (ours ?? theirs) as Span;
    const [span = ""] = some.name.split(" ");
    const add = (what: string, kind: Difference["kind"], shown: unknown) =>
      found.push({ span, what, kind, shown: JSON.stringify(shown) });
    if (theirs === undefined || ours === undefined) {
      add("span", theirs === undefined ? "only isotel" : "only agents", some.name);
      continue;
    }
    if (theirs.name !== ours.name) add("name", "other value", [theirs.name, ours.name]);
    if (theirs.closed !== ours.closed) {
      add("end", ours.closed ? "only isotel" : "only agents", some.name);
    } else {
      if (theirs.status !== ours.status) add("status", "other value", [theirs.status, ours.status]);
      const keys = new Set([...Object.keys(theirs.attributes), ...Object.keys(ours.attributes)]);
      for (const key of keys) {
        const [their, our] = [theirs.attributes[key], ours.attributes[key]];
        if (their === undefined) add(key, "only isotel", our);
        else if (our === undefined) add(key, "only agents", their);
        else if (key !== timed && their !== our) add(key, "other value", [their, our]);
      }
    }
    found.push(...differencesBelow(spans, theirs, ours));
  }
  return found;
}

/** Pairs the children of two spans: those with the same name in their order, then those of the same operation. */
function pairsBelow(spans: readonly Span[], agents: Span, isotel: Span) {
  const childrenOf = ({ spanId }: Span) => spans.filter((span) => span.parentSpanId === spanId);
  const theirs = childrenOf(agents);
  const ours = childrenOf(isotel);
  const pairs: [Span | undefined, Span | undefined][] = [];
  const pair = (keyOf: (span: Span) => string | undefined) => {
    for (const their of [...theirs]) {
      const our = ours.find((span) => keyOf(span) === keyOf(their));
      if (our === undefined) continue;
      pairs.push([their, our]);
      theirs.splice(theirs.indexOf(their), 1);
      ours.splice(ours.indexOf(our), 1);
    }
  };
  pair(({ name }) => name);
  pair(({ name }) => name.split(" ")[0]);
  pairs.push(...theirs.map((span): [Span, undefined] => [span, undefined]));
  pairs.push(...ours.map((span): [undefined, Span] => [undefined, span]));
  return pairs;
}
