import { withTelemetry } from "../../dist/index.js";
import { defineMetrics, histogram } from "../../dist/metrics/index.js";
import { bytesOfBodies, QueueDouble } from "../unit/support/runtime_doubles.ts";
import { type Benchmark, type Goal, resultOf } from "./benchmark.ts";
import { alternate, compare, runAlone, type Subject } from "./measure.ts";
import { labelSets, latencies, latency } from "./metrics_data.ts";
import { countOf, Totals } from "./metrics_totals.ts";
import { openTelemetryHistogram } from "./peers/opentelemetry_metrics.ts";
import { promClientHistogram } from "./peers/prom_client.ts";

/** Records in a unit of work. With 1,000, the microseconds of a unit are the nanoseconds of a record. */
const records = 1000;

/** One side: a unit of work, and the number of values that it has recorded so far. */
interface Side extends Subject {
  readonly count: () => Promise<number>;
}

/** Sends the recorded values to totals, as a Worker does. */
function flusher(totals: Totals): () => Promise<void> {
  const { queue } = new QueueDouble((bodies) => void totals.apply(bytesOfBodies(bodies)));
  const metrics = { queue };
  const worker = withTelemetry({ fetch: async () => new Response() }, () => ({ metrics }));
  return async () => {
    const work: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) };
    const handler = worker.fetch as (...args: unknown[]) => Promise<Response>;
    await handler(new Request("https://shop.example/"), {}, context);
    await Promise.all(work);
  };
}

async function isotel(sets: number): Promise<Side> {
  const { name, help, labelNames, bounds } = latency;
  const metrics = defineMetrics({
    latency: histogram(name, { help, labels: labelNames, bounds: [...bounds] }),
  });
  const labels = labelSets(sets);
  const totals = new Totals();
  const flush = flusher(totals);
  // From now on the Worker sends metrics. Its next flush is due in some seconds.
  await flush();
  return {
    name: "isotel",
    run() {
      for (let i = 0; i < records; i += 1) {
        const { route, status } = labels[i % sets] as (typeof labels)[number];
        metrics.latency.record(latencies[i % latencies.length] as number, { route, status });
      }
    },
    async count() {
      // A flush needs the interval to have passed.
      await new Promise((resolve) => setTimeout(resolve, 10_100));
      await flush();
      return countOf(totals.text());
    },
  };
}

function promClient(sets: number): Side {
  const { histogram, registry } = promClientHistogram();
  const labels = labelSets(sets);
  return {
    name: "prom-client",
    run() {
      for (let i = 0; i < records; i += 1) {
        const { route, status } = labels[i % sets] as (typeof labels)[number];
        histogram.observe({ route, status }, latencies[i % latencies.length] as number);
      }
    },
    count: async () => countOf(await registry.metrics()),
  };
}

function openTelemetry(sets: number): Side {
  const { histogram, count } = openTelemetryHistogram();
  const labels = labelSets(sets);
  return {
    name: "opentelemetry",
    run() {
      for (let i = 0; i < records; i += 1) {
        const { route, status } = labels[i % sets] as (typeof labels)[number];
        histogram.record(latencies[i % latencies.length] as number, { route, status });
      }
    },
    count,
  };
}

/** Returns the same side and counts its units of work. */
function counted(side: Side): { readonly subject: Subject; readonly check: () => Promise<void> } {
  let runs = 0;
  const run = () => {
    runs += 1;
    side.run();
  };
  const check = async () => {
    const count = await side.count();
    if (count === runs * records) return;
    throw new Error(`${side.name} has ${count} values of ${runs * records}.`);
  };
  return { subject: { name: side.name, run }, check };
}

function benchmark(sets: number, goal: Goal): Benchmark {
  return {
    id: `metrics.record.${sets}`,
    unit: "ns",
    goal,
    async run({ effort, isProfile }) {
      const ours = counted(await isotel(sets));
      if (isProfile) {
        await runAlone(ours.subject, 5000);
        return [];
      }
      const peers = [promClient(sets), openTelemetry(sets)].map(counted);
      const sides = [ours, ...peers];
      const samples = await alternate(
        sides.map(({ subject }) => subject),
        effort,
      );
      for (const { check } of sides) await check();
      const sampleOf = ({ subject }: { subject: Subject }) => samples.get(subject.name) ?? [];
      return peers.map((peer) =>
        resultOf(peer.subject.name, compare(sampleOf(ours), sampleOf(peer))),
      );
    },
  };
}

const eighth: Goal = { peer: "prom-client", ratio: 1 / 8 };

export const benchmarks: readonly Benchmark[] = [benchmark(1, eighth), benchmark(1000, eighth)];
