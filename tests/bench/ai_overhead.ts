import type { Major } from "./ai_calls.ts";
import type { Result } from "./benchmark.ts";
import { type Comparison, compare, less, type Samples } from "./measure.ts";

/** The additional time of the calls of one major version over plain calls, for isotel and each peer. */
export function overheads(samples: Samples): Map<string, Comparison> {
  const plain = samples.get("plain") ?? [];
  const overhead = (name: string) => less(samples.get(name) ?? [], plain);
  const peers = [...samples.keys()].filter((name) => name !== "plain" && name !== "isotel");
  return new Map(peers.map((peer) => [peer, compare(overhead("isotel"), overhead(peer))]));
}

/** Returns one result for each peer: the result of the worse major version, with the results of all versions. */
export function worseOf(byMajor: ReadonlyMap<Major, ReadonlyMap<string, Comparison>>): Result[] {
  const peers = new Set([...byMajor.values()].flatMap((comparisons) => [...comparisons.keys()]));
  return Array.from(peers, (peerName) => {
    const found = Array.from(byMajor, ([major, comparisons]) => ({
      major,
      comparison: comparisons.get(peerName),
    })).filter(({ comparison }) => comparison !== undefined) as {
      readonly major: Major;
      readonly comparison: Comparison;
    }[];
    const worst = found.reduce((a, b) => (b.comparison.ratio > a.comparison.ratio ? b : a));
    return {
      peerName,
      ...worst.comparison,
      major: worst.major,
      majors: Object.fromEntries(found.map(({ major, comparison }) => [major, comparison])),
    };
  });
}
