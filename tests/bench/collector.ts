import { readProtobuf } from "../otlp/definitions.ts";
import { type PlainWorkers, startPlainWorkers } from "../workerd/harness/plain_workerd.ts";
import type { Benchmark } from "./benchmark.ts";
import { childrenCpuMs } from "./children_cpu.ts";
import { median } from "./measure.ts";

const budgetUs = 3;
/** Of each invocation, beside its own: most of a request to a backend. */
const spansOfInvocation = 499;
const eventsOfInvocation = 3 + 3 * spansOfInvocation;
/** The clock of a process counts hundredths of a second. */
const invocations = 40;
const spans = invocations * (spansOfInvocation + 1);

const workers = [
  { name: "collected", main: "tests/bench/apps/collected.ts", streamingTails: ["collector"] },
  { name: "collector", main: "tests/bench/apps/collector.ts" },
];

async function ask(running: PlainWorkers, path: string): Promise<Response> {
  const response = await running.fetchFrom("collector", path);
  if (!response.ok) throw new Error(await response.text());
  return response;
}

/** Whether there are as many lists of events as invocations, and none is shorter or longer than it should be. */
async function hasAll(running: PlainWorkers, path: string): Promise<boolean> {
  const counts = (await (await ask(running, path)).json()) as number[];
  return counts.length === invocations && counts.every((count) => count === eventsOfInvocation);
}

/** Has the collector's Worker keep the events of some invocations. */
async function record(running: PlainWorkers): Promise<void> {
  for (let i = 0; i < invocations; i += 1) {
    await (await running.fetchFrom("collected", `/?spans=${spansOfInvocation}`)).text();
  }
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await hasAll(running, "/recorded")) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The events of the invocations did not arrive.");
}

/** Microseconds of all of workerd for one span, while a side takes events that are there already. */
async function replay(running: PlainWorkers, side: string): Promise<number> {
  await record(running);
  const before = childrenCpuMs();
  await (await ask(running, `/${side}`)).text();
  return (1000 * (childrenCpuMs() - before)) / spans;
}

async function acceptedBy(running: PlainWorkers): Promise<number> {
  const counts = (await (await ask(running, "/counts")).json()) as Record<string, number>;
  return counts["otlp_accepted"] ?? 0;
}

/** Both have to have seen all there is. */
async function check(running: PlainWorkers): Promise<void> {
  await replay(running, "keep");
  if (!(await hasAll(running, "/kept"))) throw new Error("Events were not kept.");
  await replay(running, "collect");
  const accepted = await acceptedBy(running);
  if (accepted !== spans) throw new Error(`${accepted} of ${spans} spans were sent.`);
  const bytes = new Uint8Array(await (await ask(running, "/longest")).arrayBuffer());
  const text = JSON.stringify(readProtobuf("traces", bytes));
  const written = text.split('"spanId"').length - 1;
  const whole = text.split('"app.is_gift"').length - 1;
  if (whole === 0 || whole < written - 1) throw new Error(`${whole} of ${written} are whole.`);
}

/** What the collector adds to a handler that keeps the events, up to the request to the backend. */
const span: Benchmark = {
  id: "collector.span",
  unit: "us",
  goal: { ours: budgetUs },
  async run({ effort }) {
    const running = await startPlainWorkers(workers);
    try {
      await check(running);
      const times = { keep: [] as number[], collect: [] as number[], compress: [] as number[] };
      for (const side of ["collect", "compress"]) await replay(running, side);
      for (let round = 0; round < effort.rounds; round += 1) {
        for (const side of ["keep", "collect", "compress"] as const) {
          times[side].push(await replay(running, side));
        }
      }
      const keepUs = median(times.keep);
      const ours = median(times.collect) - keepUs;
      const withGzip = median(times.compress) - keepUs;
      const ratio = ours / budgetUs;
      return [{ peerName: "budget", ours, peer: budgetUs, ratio, withGzip, keepUs }];
    } finally {
      await running.close();
    }
  },
};

export const benchmarks: readonly Benchmark[] = [span];
