import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { env } from "node:process";
import { type LocalWorker, startWorkers, type WorkerConfig } from "../../worker/harness/start.ts";
import type { Benchmark } from "./benchmark.ts";
import { childrenCpuMs } from "./children_cpu.ts";
import { median } from "./measure.ts";

const budgetUs = 3;
/** Of each invocation, beside its own. */
const spansOfInvocation = 19;
const invocations = 20;
/** As many as one request to a backend has. */
const spansOfRound = invocations * (spansOfInvocation + 1);

/** An OTLP receiver that counts spans and keeps none. */
class Counter {
  spans = 0;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Counter> {
    const counter: Counter = new Counter(
      createServer(async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        counter.spans += spansIn(Buffer.concat(chunks));
        response.end();
      }),
    );
    await new Promise<void>((resolve) => counter.#server.listen(0, "127.0.0.1", resolve));
    return counter;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** What only those spans say that were recorded, once each. */
const mark = "app.is_gift";

function spansIn(body: Buffer): number {
  let spans = 0;
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) spans += 1;
  return spans;
}

const collector = (otlp: object): WorkerConfig => ({
  name: "collecting",
  main: "tests/bench/apps/collector.ts",
  vars: { OTLP: JSON.stringify(otlp) },
});

const app: WorkerConfig = {
  name: "collected",
  main: "tests/bench/apps/collected.ts",
  streaming_tail_consumers: [{ service: "collecting" }],
};

/** Has the collector's Worker keep the events of some invocations. */
async function record(workers: LocalWorker): Promise<void> {
  for (let i = 0; i < invocations; i += 1) {
    await (await workers.fetch(`/?spans=${spansOfInvocation}`)).text();
  }
  const wanted = 3 * (spansOfInvocation + 1);
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const response = await workers.fetchFrom("collecting", "/recorded");
    const counts = (await response.json()) as number[];
    if (counts.length === invocations && counts.every((count) => count >= wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The events of the invocations did not arrive.");
}

/** Microseconds of all of workerd for one span. */
type Replay = (side: string, rounds: number) => Promise<number>;

function replayer(workers: LocalWorker, counter: Counter): Replay {
  return async (side, rounds) => {
    const spans = rounds * spansOfRound;
    const wanted = side === "keep" ? 0 : rounds * invocations * spansOfInvocation;
    counter.spans = 0;
    const before = childrenCpuMs();
    const response = await workers.fetchFrom("collecting", `/${side}?rounds=${rounds}`);
    const answer = await response.text();
    if (!response.ok) throw new Error(answer);
    for (let attempt = 0; counter.spans < wanted; attempt += 1) {
      if (attempt > 500) throw new Error(`${counter.spans} of ${wanted} spans arrived.`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return (1000 * (childrenCpuMs() - before)) / spans;
  };
}

/** What the collector adds to a handler that keeps the events, up to the request that is sent. */
const span: Benchmark = {
  id: "collector.span",
  unit: "us",
  goal: { ours: budgetUs },
  async run({ effort }) {
    env["X_LOCAL_OBSERVABILITY"] = "true";
    const counter = await Counter.start();
    const otlp = { backend: "custom", endpoint: counter.url, compression: "none" };
    const workers = await startWorkers([app, collector(otlp)]);
    try {
      await record(workers);
      const replay = replayer(workers, counter);
      const rounds = 25 * effort.slices;
      for (const side of ["keep", "collect"]) await replay(side, rounds);
      const times = { keep: [] as number[], collect: [] as number[] };
      for (let round = 0; round < effort.rounds; round += 1) {
        times.keep.push(await replay("keep", rounds));
        times.collect.push(await replay("collect", rounds));
      }
      const [keepUs, collectUs] = [median(times.keep), median(times.collect)];
      const ours = collectUs - keepUs;
      const ratio = ours / budgetUs;
      return [{ peerName: "budget", ours, peer: budgetUs, ratio, keepUs, collectUs }];
    } finally {
      await workers.close();
      counter.close();
    }
  },
};

export const benchmarks: readonly Benchmark[] = [span];
