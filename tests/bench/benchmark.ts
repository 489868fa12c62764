import type { Comparison, Effort } from "./measure.ts";

/** The goal of a benchmark. */
export interface Goal {
  /** The peer to compare with. Undefined for an absolute goal. */
  readonly peer?: string;
  /** Limit of the value of isotel divided by the value of the peer. */
  readonly ratio?: number;
  /** Limit of the value of isotel, in the unit of the benchmark. */
  readonly ours?: number;
}

/** The comparison of isotel with one peer. */
export interface Result {
  readonly peerName: string;
  readonly ours: number;
  readonly peer: number;
  readonly ratio: number;
  /** Further values, only for the JSON file. */
  readonly [extra: string]: unknown;
}

/** How to run a benchmark. */
export interface RunOptions {
  readonly effort: Effort;
  /** Runs only isotel, for a profiler. There are no results then. */
  readonly isProfile: boolean;
}

/** One benchmark. Each runs in a separate process, so that earlier benchmarks do not affect it. */
export interface Benchmark {
  readonly id: string;
  readonly unit: "ns" | "us" | "ms" | "bytes" | "KiB";
  readonly goal?: Goal;
  /** Returns a result for each peer, or a text that says why there are none. */
  run(options: RunOptions): Promise<readonly Result[] | string>;
}

/** A row of the table and of the JSON file. */
export interface Row extends Result {
  readonly id: string;
  readonly unit: string;
}

export function resultOf(peerName: string, comparison: Comparison): Result {
  return { peerName, ...comparison };
}

/** Returns the comparison of a value with its budget. `extra` goes to the JSON file. */
export function againstBudget(ours: number, budget: number, extra: object = {}): Result {
  return { peerName: "budget", ours, peer: budget, ratio: ours / budget, ...extra };
}

/** Returns whether a result reaches a goal. Undefined if the goal is for another peer. */
export function isMet(
  goal: Goal | undefined,
  { peerName, ratio, ours }: Result,
): boolean | undefined {
  if (goal === undefined || (goal.peer !== undefined && goal.peer !== peerName)) return undefined;
  return ratio <= (goal.ratio ?? Infinity) && ours <= (goal.ours ?? Infinity);
}
