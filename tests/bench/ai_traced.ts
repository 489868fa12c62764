import { fork } from "node:child_process";
import { join } from "node:path";
import { type FunctionName, type Major, majors } from "./ai_calls.ts";
import { worseOf } from "./ai_overhead.ts";
import { callBy, observers, type Side } from "./ai_sides.ts";
import type { Benchmark, Goal } from "./benchmark.ts";
import { type Comparison, compare, type Effort, median, runAlone } from "./measure.ts";
import { type Finished, spansOf, useSpans } from "./runtime/workers.ts";

/** Processes of each observer. The engine optimizes the same code differently in each of them. */
const processes = 7;
/** The measured difference is a small part of the time. It is visible only after the engine has optimized the code. */
const sliceMs = 100;

/** The task of a process. */
export interface Task {
  readonly name: FunctionName;
  readonly major: Major;
  readonly side: Side;
  readonly effort: Effort;
}

/**
 * Returns the additional microseconds of a call over a plain call, a sample for each round. The process has no other
 * observer, as in a Worker, because the engine's optimizations for one observer change the times of another.
 */
function overheadAlone(task: Task): Promise<readonly number[]> {
  const child = fork(join(import.meta.dirname, "ai_traced_alone.ts"), [JSON.stringify(task)]);
  return new Promise((resolve, reject) => {
    child.once("message", (samples) => resolve(samples as readonly number[]));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${task.side} ended with code ${code}.`)));
  });
}

/** The additional time of isotel, compared with each peer. */
async function comparisons(
  name: FunctionName,
  major: Major,
  effort: Effort,
): Promise<Map<string, Comparison>> {
  const { rounds, slices, warmUpMs } = effort;
  const own = {
    rounds: Math.ceil(rounds / 2),
    slices: Math.ceil(slices / 2),
    sliceMs,
    warmUpMs: 2 * warmUpMs,
  };
  const medians = new Map(observers[major].map((side) => [side, [] as number[]]));
  for (let count = 0; count < processes; count += 1) {
    for (const [side, ofProcesses] of medians) {
      ofProcesses.push(median(await overheadAlone({ name, major, side, effort: own })));
    }
  }
  const ours = medians.get("isotel") ?? [];
  medians.delete("isotel");
  return new Map(
    Array.from(medians, ([peer, theirs]) => [
      peer,
      // Two processes are no pair. The ratio of the medians is therefore steadier than the median of the ratios.
      { ...compare(ours, theirs), ratio: median(ours) / median(theirs) },
    ]),
  );
}

function attributeCount(spans: readonly Finished[]): number {
  return spans.reduce((sum, { attributes }) => sum + Object.keys(attributes).length, 0);
}

/** Throws if isotel records less than the peer: both have to create the same spans. */
async function checkSpans(name: FunctionName, major: Major): Promise<void> {
  const ours = await spansOf(callBy("isotel", name, major).run);
  const theirs = await spansOf(callBy("agents", name, major).run);
  const names = (spans: readonly Finished[]) =>
    spans
      .map((span) => span.name)
      .sort()
      .join(", ");
  if (names(ours) !== names(theirs) || attributeCount(ours) < attributeCount(theirs)) {
    throw new Error(
      `isotel gave ${names(ours)} with ${attributeCount(ours)} attributes, ` +
        `agents ${names(theirs)} with ${attributeCount(theirs)}.`,
    );
  }
}

function benchmark(name: FunctionName, goal: Goal): Benchmark {
  return {
    id: `ai.${name}.traced`,
    unit: "us",
    goal,
    async run({ effort, isProfile }) {
      useSpans("array");
      const byMajor = new Map<Major, Map<string, Comparison>>();
      for (const major of majors) {
        if (isProfile) {
          await runAlone(callBy("isotel", name, major), 4000);
          continue;
        }
        await checkSpans(name, major);
        byMajor.set(major, await comparisons(name, major, effort));
      }
      return worseOf(byMajor);
    },
  };
}

export const benchmarks: readonly Benchmark[] = [
  benchmark("generateText", { peer: "agents", ratio: 0.4 }),
  benchmark("streamText", { peer: "agents", ratio: 0.35 }),
];
