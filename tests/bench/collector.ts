import { readProtobuf } from "../otlp/definitions.ts";
import { type PlainWorkers, startPlainWorkers } from "../workerd/harness/plain_workerd.ts";
import type { Benchmark } from "./benchmark.ts";
import { childrenThreadsMs } from "./children_cpu.ts";
import { undisturbed } from "./measure.ts";

const budgetUs = 3;
/** Spans of each invocation, without the span of the invocation. The runtime can deliver more at once. */
const spansOfInvocation = 1_000;
const eventsOfInvocation = 3 + 3 * spansOfInvocation;
/** Invocations of a turn. The sides alternate. */
const invocations = 4;
const spansOfTurn = invocations * (spansOfInvocation + 1);

const workers = [
  { name: "collected", main: "tests/bench/apps/collected.ts", streamingTails: ["collector"] },
  { name: "collector", main: "tests/bench/apps/collector.ts" },
];

async function ask(running: PlainWorkers, path: string): Promise<Response> {
  const response = await running.fetchFrom("collector", path);
  if (!response.ok) throw new Error(await response.text());
  return response;
}

/** Returns the number of spans that have left the collector, after all reported spans have left it. */
async function sent(running: PlainWorkers): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const counts = (await (await ask(running, "/counts")).json()) as Record<string, number>;
    const { collector_spans_opened = 0, otlp_accepted = 0 } = counts;
    if (collector_spans_opened === otlp_accepted && otlp_accepted % spansOfTurn === 0) {
      return otlp_accepted;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The spans were not sent.");
}

/** Returns the CPU microseconds of workerd for one span of a turn: to create it, to deliver it and to process it. */
async function turn(running: PlainWorkers, side: string): Promise<number> {
  await ask(running, `/${side}`);
  const before = childrenThreadsMs();
  for (let i = 0; i < invocations; i += 1) {
    await (await running.fetchFrom("collected", `/?spans=${spansOfInvocation}`)).text();
  }
  // Both sides are asked for their progress, which is part of the turn.
  await new Promise((resolve) => setTimeout(resolve, 50));
  await sent(running);
  return (1000 * (childrenThreadsMs() - before)) / spansOfTurn;
}

/** Both sides have to receive all spans. */
async function check(running: PlainWorkers): Promise<void> {
  await turn(running, "keep");
  const kept = await (await ask(running, "/kept")).json();
  if (kept !== eventsOfInvocation) throw new Error(`${kept} events were kept.`);
  await turn(running, "collect");
  const accepted = await sent(running);
  if (accepted !== spansOfTurn) throw new Error(`${accepted} of ${spansOfTurn} spans were sent.`);
  const bytes = new Uint8Array(await (await ask(running, "/longest")).arrayBuffer());
  const text = JSON.stringify(readProtobuf("traces", bytes));
  const written = text.split('"spanId"').length - 1;
  const whole = text.split('"app.is_gift"').length - 1;
  if (whole < 100 || whole < written - invocations) {
    throw new Error(`Of ${written} spans, ${whole} have their attributes.`);
  }
}

/** The time that the collector adds to a handler that keeps the events, without the request to the backend. */
const span: Benchmark = {
  id: "collector.span",
  unit: "us",
  goal: { ours: budgetUs },
  async run({ effort }) {
    const running = await startPlainWorkers(workers);
    try {
      await check(running);
      const times = { keep: [] as number[], collect: [] as number[], compress: [] as number[] };
      const sides = ["keep", "collect", "compress"] as const;
      for (let warmUp = 0; warmUp < effort.rounds; warmUp += 1) {
        for (const side of sides) await turn(running, side);
      }
      for (let round = 0; round < 4 * effort.rounds; round += 1) {
        for (const side of sides) times[side].push(await turn(running, side));
      }
      const keepUs = undisturbed(times.keep);
      const ours = undisturbed(times.collect) - keepUs;
      const withGzip = undisturbed(times.compress) - keepUs;
      const ratio = ours / budgetUs;
      return [{ peerName: "budget", ours, peer: budgetUs, ratio, withGzip, keepUs }];
    } finally {
      await running.close();
    }
  },
};

export const benchmarks: readonly Benchmark[] = [span];
