import { type PlainWorkers, startPlainWorkers } from "../workerd/harness/plain_workerd.ts";
import { type FunctionName, type Major, majors } from "./ai_calls.ts";
import { overheads, worseOf } from "./ai_overhead.ts";
import type { Benchmark } from "./benchmark.ts";
import { childrenThreadsMs } from "./children_cpu.ts";
import type { Comparison, Effort, Samples } from "./measure.ts";

const sides = ["plain", "isotel", "agents"] as const;

// The runtime creates spans only for a receiver. This one discards them.
const workers = [
  { name: "bench", main: "tests/bench/apps/ai.ts", streamingTails: ["sink"] },
  { name: "sink", main: "tests/workerd/harness/sink.ts" },
];

/** Time until the spans of a turn have been delivered. */
const settleMs = 40;
/** Calls of a turn. There are fewer calls of streamText, because its streams wait between chunks. */
const callsOfTurn: Readonly<Record<FunctionName, number>> = { generateText: 100, streamText: 40 };
/** Turns until the engine has optimized a side. */
const warmUps = 6;

/** Returns the CPU time of workerd for one call on `side`, in microseconds, including the delivery of its spans. */
async function turn(
  running: PlainWorkers,
  major: Major,
  name: FunctionName,
  side: string,
): Promise<number> {
  const count = callsOfTurn[name];
  const before = childrenThreadsMs();
  const path = `/?major=${major}&name=${name}&side=${side}&count=${count}`;
  const response = await running.fetchFrom("bench", path);
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  return (1000 * (childrenThreadsMs() - before)) / count;
}

/**
 * Returns one sample of each side, from a new workerd. Each call of version 7 creates a tracing channel. This takes
 * workerd longer with each channel, until it dominates the measured time.
 */
async function sample(
  major: Major,
  name: FunctionName,
  effort: Effort,
): Promise<ReadonlyMap<string, number>> {
  const running = await startPlainWorkers(workers);
  try {
    for (let warmUp = 0; warmUp < warmUps; warmUp += 1) {
      for (const side of sides) await turn(running, major, name, side);
    }
    const sums = new Map<string, number>();
    for (let slice = 0; slice < effort.slices; slice += 1) {
      for (let place = 0; place < sides.length; place += 1) {
        const side = sides[(slice + place) % sides.length] as string;
        sums.set(side, (sums.get(side) ?? 0) + (await turn(running, major, name, side)));
      }
    }
    return new Map(Array.from(sums, ([side, us]) => [side, us / effort.slices]));
  } finally {
    await running.close();
  }
}

async function samplesOf(major: Major, name: FunctionName, effort: Effort): Promise<Samples> {
  const samples = new Map(sides.map((side) => [side as string, [] as number[]]));
  // Half the usual rounds, because each starts a runtime.
  for (let round = 0; round < effort.rounds / 2; round += 1) {
    for (const [side, us] of await sample(major, name, effort)) samples.get(side)?.push(us);
  }
  return samples;
}

function benchmark(name: FunctionName): Benchmark {
  return {
    id: `ai.${name}.workerd`,
    unit: "us",
    goal: { peer: "agents", ratio: 0.8 },
    async run({ effort }) {
      const byMajor = new Map<Major, Map<string, Comparison>>();
      for (const major of majors) {
        byMajor.set(major, overheads(await samplesOf(major, name, effort)));
      }
      return worseOf(byMajor);
    },
  };
}

export const benchmarks: readonly Benchmark[] = [
  benchmark("generateText"),
  benchmark("streamText"),
];
