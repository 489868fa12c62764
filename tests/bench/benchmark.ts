import type { Comparison, Effort } from "./measure.ts";

/** What a benchmark should reach. */
export interface Goal {
  /** The peer it is set against; for a goal in absolute terms undefined. */
  readonly peer?: string;
  /** Ours divided by that peer's. */
  readonly ratio?: number;
  /** Ours, in the benchmark's unit. */
  readonly ours?: number;
}

/** Ours against one peer. */
export interface Result {
  readonly peerName: string;
  readonly ours: number;
  readonly peer: number;
  readonly ratio: number;
  /** More about the result, for the JSON file alone. */
  readonly [extra: string]: unknown;
}

/** How a benchmark is to run. */
export interface RunOptions {
  readonly effort: Effort;
  /** Our side alone, for a profiler; there are no results then. */
  readonly isProfile: boolean;
}

/** One benchmark. Each runs in a process of its own, so that none depends on what ran before it. */
export interface Benchmark {
  readonly id: string;
  readonly unit: "ns" | "us" | "ms" | "bytes" | "KiB";
  readonly goal?: Goal;
  /** A result for each peer; a text says why there is none. */
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

/** Ours against what it may be at most; `extra` goes to the JSON file. */
export function againstBudget(ours: number, budget: number, extra: object = {}): Result {
  return { peerName: "budget", ours, peer: budget, ratio: ours / budget, ...extra };
}

/** Whether a result reaches a goal; undefined where the goal is not about its peer. */
export function isMet(
  goal: Goal | undefined,
  { peerName, ratio, ours }: Result,
): boolean | undefined {
  if (goal === undefined || (goal.peer !== undefined && goal.peer !== peerName)) return undefined;
  return ratio <= (goal.ratio ?? Infinity) && ours <= (goal.ours ?? Infinity);
}
