import { env } from "node:process";
import { startWorkers } from "../../worker/harness/start.ts";
import { type FunctionName, type Major, majors } from "./ai_calls.ts";
import { overheads, worseOf } from "./ai_overhead.ts";
import type { Benchmark } from "./benchmark.ts";
import type { Comparison, Effort } from "./measure.ts";
import { undisturbed } from "./measure.ts";

const sides = ["plain", "isotel", "agents"] as const;

/** Microseconds of one call by the Worker's clock, `count` of them being made in one request. */
type Request = (side: string, count: number) => Promise<number>;

async function samplesOf(request: Request, effort: Effort): Promise<Map<string, number[]>> {
  // The clock counts whole milliseconds.
  const sliceMs = 3 * effort.sliceMs;
  const counts = new Map<string, number>();
  for (const side of sides) {
    let us = 0;
    for (let warmUp = 0; warmUp < 4; warmUp += 1) {
      us = await request(side, 200);
    }
    counts.set(side, Math.ceil((1000 * sliceMs) / us));
  }
  const samples = new Map(sides.map((side) => [side as string, [] as number[]]));
  for (let round = 0; round < effort.rounds; round += 1) {
    const slices = new Map(sides.map((side) => [side as string, [] as number[]]));
    for (let slice = 0; slice < 2 * effort.slices; slice += 1) {
      for (let turn = 0; turn < sides.length; turn += 1) {
        const side = sides[(slice + turn) % sides.length] as string;
        slices.get(side)?.push(await request(side, counts.get(side) ?? 1));
      }
    }
    for (const side of sides) {
      samples.get(side)?.push(undisturbed(slices.get(side) ?? []));
    }
  }
  return samples;
}

function benchmark(name: FunctionName): Benchmark {
  return {
    id: `ai.${name}.workerd`,
    unit: "us",
    goal: { peer: "agents", ratio: 0.8 },
    async run({ effort }) {
      // Spans are real when something receives them; nobody keeps these.
      env["X_LOCAL_OBSERVABILITY"] = "true";
      const tail = "tests/workerd/harness/sink.ts";
      const workers = await startWorkers([
        {
          name: "bench",
          main: "tests/bench/apps/ai.ts",
          streaming_tail_consumers: [{ service: "sink" }],
        },
        { name: "sink", main: tail },
      ]);
      try {
        const byMajor = new Map<Major, Map<string, Comparison>>();
        for (const major of majors) {
          const request: Request = async (side, count) => {
            const path = `/?major=${major}&name=${name}&side=${side}&count=${count}`;
            const response = await workers.fetch(path);
            const answer = await response.text();
            if (!response.ok) {
              throw new Error(answer);
            }
            return (1000 * Number(answer)) / count;
          };
          byMajor.set(major, overheads(await samplesOf(request, effort)));
        }
        return worseOf(byMajor);
      } finally {
        await workers.close();
      }
    },
  };
}

export const benchmarks: readonly Benchmark[] = [
  benchmark("generateText"),
  benchmark("streamText"),
];
