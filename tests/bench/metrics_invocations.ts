// How much longer invocations last because their Worker measures them, with default settings.
import { setTimeout as sleep } from "node:timers/promises";
import { type LocalWorker, startWorkers, streamingTailConsumers } from "../harness/start.ts";
import { againstBudget, type Benchmark } from "./benchmark.ts";

const budgetMs = 50;
/** Limit for each event of a Durable Object. */
const eventBudgetMs = 150;
/** Covers two flushes. */
const seconds = 25;
const leastRequests = 10;
const secondsBetweenMessages = 4;

function start(main: string): Promise<LocalWorker> {
  const isMeasured = main !== "invocations";
  const classes = isMeasured ? ["Sockets", "TelemetryAggregator"] : ["Sockets"];
  const bindings = [
    { name: "SOCKETS", class_name: "Sockets" },
    ...(isMeasured ? [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] : []),
  ];
  return startWorkers([
    {
      name: main,
      main: `tests/bench/apps/${main}.ts`,
      streaming_tail_consumers: [...streamingTailConsumers],
      durable_objects: { bindings },
      migrations: [{ tag: "v1", new_sqlite_classes: classes }],
    },
  ]);
}

/** Runs a function with the Worker that measures nothing, and then with the one that does. */
async function onBoth<T>(run: (worker: LocalWorker) => Promise<T>): Promise<readonly [T, T]> {
  const results: T[] = [];
  for (const main of ["invocations", "invocations_measured"]) {
    const worker = await start(main);
    try {
      results.push(await run(worker));
    } finally {
      await worker.close();
    }
  }
  return results as [T, T] & T[];
}

/** Returns the milliseconds of the invocations with this name, as the runtime reports them. */
async function durations(worker: LocalWorker, name: RegExp): Promise<number[]> {
  const spans = await worker.takeSpans({ timeoutMs: 40_000 });
  const own = spans.filter((span) => span.isInvocation && name.test(span.name));
  return own.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
}

async function p99At(worker: LocalWorker, rate: number): Promise<number> {
  const count = Math.max(leastRequests, rate * seconds);
  const beginMs = performance.now();
  const requests: Promise<unknown>[] = [];
  for (let i = 0; i < count; i += 1) {
    await sleep(Math.max(0, beginMs + (1000 * i) / rate - performance.now()));
    requests.push(worker.fetch("/").then((response) => response.text()));
  }
  await Promise.all(requests);
  const all = await durations(worker, /^GET/);
  if (all.length !== count) throw new Error(`${all.length} of ${count} invocations were seen.`);
  return all[Math.ceil(0.99 * count) - 1] ?? 0;
}

/** Returns the milliseconds that a Durable Object is open for an event. */
async function openMsOfEvent(worker: LocalWorker): Promise<number> {
  const url = new URL("/socket", worker.url);
  url.protocol = "ws:";
  const socket = new WebSocket(url.href);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  for (let i = 0; i * secondsBetweenMessages < seconds; i += 1) {
    const echo = new Promise((resolve) =>
      socket.addEventListener("message", resolve, { once: true }),
    );
    socket.send(String(i));
    await echo;
    await sleep(1000 * secondsBetweenMessages);
  }
  socket.close();
  const all = await durations(worker, /^Sockets/);
  return all.reduce((sum, ms) => sum + ms, 0) / all.length;
}

function benchmark(
  id: string,
  budget: number,
  run: (worker: LocalWorker) => Promise<number>,
): Benchmark {
  return {
    id: `metrics.invocation.${id}`,
    unit: "ms",
    goal: { ours: budget },
    async run({ isProfile }) {
      if (isProfile) return "The time is that of the runtime.";
      const [plainMs, measuredMs] = await onBoth(run);
      return [againstBudget(measuredMs - plainMs, budget, { plainMs, measuredMs })];
    },
  };
}

export const benchmarks: readonly Benchmark[] = [
  ...[0.2, 1, 10, 100].map((rate) =>
    benchmark(`${rate}`, budgetMs, (worker) => p99At(worker, rate)),
  ),
  benchmark("object", eventBudgetMs, openMsOfEvent),
];
