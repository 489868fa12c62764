import { env } from "node:process";
import { type LocalWorker, startWorkers, type WorkerConfig } from "../../worker/harness/start.ts";
import { readProtobuf } from "../otlp/definitions.ts";
import type { Benchmark } from "./benchmark.ts";
import { childrenCpuMs } from "./children_cpu.ts";
import { median } from "./measure.ts";

const budgetUs = 3;
/** Of each invocation, beside its own. */
const spansOfInvocation = 19;
const invocations = 20;
/** They fill most of a request to a backend. */
const spansOfRound = invocations * (spansOfInvocation + 1);
/** Onset, answer and outcome, and of each span three. */
const eventsOfInvocation = 3 + 3 * spansOfInvocation;

const workers: readonly WorkerConfig[] = [
  {
    name: "collected",
    main: "tests/bench/apps/collected.ts",
    streaming_tail_consumers: [{ service: "collecting" }],
  },
  { name: "collecting", main: "tests/bench/apps/collector.ts" },
];

async function ask(worker: LocalWorker, path: string): Promise<Response> {
  const response = await worker.fetchFrom("collecting", path);
  if (!response.ok) throw new Error(await response.text());
  return response;
}

/** Whether there are as many lists of events as invocations, and none is shorter or longer than it should be. */
async function hasAll(worker: LocalWorker, path: string): Promise<boolean> {
  const counts = (await (await ask(worker, path)).json()) as number[];
  return counts.length === invocations && counts.every((count) => count === eventsOfInvocation);
}

/** Has the collector's Worker keep the events of some invocations. */
async function record(worker: LocalWorker): Promise<void> {
  for (let i = 0; i < invocations; i += 1) {
    await (await worker.fetch(`/?spans=${spansOfInvocation}`)).text();
  }
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await hasAll(worker, "/recorded")) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The events of the invocations did not arrive.");
}

/** Microseconds of all of workerd for one span. */
async function replay(worker: LocalWorker, side: string, rounds: number): Promise<number> {
  const before = childrenCpuMs();
  await (await ask(worker, `/${side}?rounds=${rounds}`)).text();
  return (1000 * (childrenCpuMs() - before)) / (rounds * spansOfRound);
}

/** Both have to have seen all there is. */
async function check(worker: LocalWorker): Promise<void> {
  await replay(worker, "keep", 1);
  if (!(await hasAll(worker, "/kept"))) throw new Error("Events were not kept.");
  await replay(worker, "collect", 1);
  const bytes = new Uint8Array(await (await ask(worker, "/requests")).arrayBuffer());
  // Requests one after the other are one with all of their spans.
  const written = JSON.stringify(readProtobuf("traces", bytes)).split('"spanId"').length - 1;
  if (written !== spansOfRound) throw new Error(`${written} spans were written.`);
}

/** What the collector adds to a handler that keeps the events, up to the request to the backend. */
const span: Benchmark = {
  id: "collector.span",
  unit: "us",
  goal: { ours: budgetUs },
  async run({ effort }) {
    env["X_LOCAL_OBSERVABILITY"] = "true";
    const worker = await startWorkers(workers);
    try {
      await record(worker);
      await check(worker);
      // The clock of a process counts hundredths of a second.
      const rounds = 25 * effort.slices;
      const times = { keep: [] as number[], collect: [] as number[], compress: [] as number[] };
      for (let warmUp = 0; warmUp < 2; warmUp += 1) await replay(worker, "collect", rounds);
      for (let round = 0; round < effort.rounds; round += 1) {
        times.keep.push(await replay(worker, "keep", rounds));
        times.collect.push(await replay(worker, "collect", rounds));
        times.compress.push(await replay(worker, "compress", rounds));
      }
      const [keepUs, collectUs] = [median(times.keep), median(times.collect)];
      const ours = collectUs - keepUs;
      const withGzip = median(times.compress) - keepUs;
      const ratio = ours / budgetUs;
      return [{ peerName: "budget", ours, peer: budgetUs, ratio, withGzip, keepUs }];
    } finally {
      await worker.close();
    }
  },
};

export const benchmarks: readonly Benchmark[] = [span];
