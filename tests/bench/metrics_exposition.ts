import { AggregatorRegistry } from "prom-client";
import { createAggregate } from "../../bindings/aggregate/totals/aggregate.ts";
import { type Benchmark, type Goal, type RunOptions, resultOf } from "./benchmark.ts";
import { alternate, compare, runAlone, type Subject } from "./measure.ts";
import { labelSets, latencies, latency } from "./metrics_data.ts";
import { countOf, plainText, snapshotOf } from "./metrics_totals.ts";
import { promClientHistogram } from "./peers/prom_client.ts";

const times = 40;

/** Returns a registry with the values of a snapshot of these label sets. */
function promClientWith(sets: number) {
  const { registry, histogram } = promClientHistogram();
  for (const { route, status } of labelSets(sets)) {
    for (let i = 0; i < times; i += 1) {
      histogram.observe({ route, status }, latencies[(i * 25) % latencies.length] as number);
    }
  }
  return registry;
}

/** Returns the number of lines of the histogram in an exposition, without comments. */
function samplesIn(text: string): number {
  return text.split("\n").filter((line) => line.startsWith(latency.name)).length;
}

function checkSame(ours: string, theirs: string): void {
  const differ = countOf(ours) !== countOf(theirs) || samplesIn(ours) !== samplesIn(theirs);
  if (differ || countOf(ours) === 0) {
    throw new Error(
      `${samplesIn(ours)} samples with ${countOf(ours)} values instead of ` +
        `${samplesIn(theirs)} with ${countOf(theirs)}.`,
    );
  }
}

function isotelOf(snapshots: readonly Uint8Array[]) {
  const aggregate = createAggregate();
  aggregate.merge(snapshots);
  const decoder = new TextDecoder();
  return {
    aggregate,
    render: () => aggregate.render(plainText, 0, Date.now()),
    text: () => decoder.decode(aggregate.render(plainText, 0, Date.now())),
  };
}

async function measure(ours: Subject, peer: Subject, { effort, isProfile }: RunOptions) {
  if (isProfile) {
    await runAlone(ours, 5000);
    return [];
  }
  const samples = await alternate([ours, peer], effort);
  return [resultOf(peer.name, compare(samples.get(ours.name) ?? [], samples.get(peer.name) ?? []))];
}

function render(series: number, goal?: Goal): Benchmark {
  return {
    id: `metrics.render.${series}`,
    unit: "us",
    ...(goal && { goal }),
    async run(options) {
      const { render: run, text } = isotelOf([snapshotOf(labelSets(series))]);
      const registry = promClientWith(series);
      checkSame(text(), await registry.metrics());
      const peer = { name: "prom-client", run: () => registry.metrics(), isAsync: true };
      return measure({ name: "isotel", run }, peer, options);
    },
  };
}

/** Measures the work of a scrape after it has received the snapshot. */
function scrape(series: number): Benchmark {
  return {
    id: `metrics.scrape.${series}`,
    unit: "us",
    async run(options) {
      const snapshot = snapshotOf(labelSets(series));
      const { aggregate, render: renderMerged } = isotelOf([]);
      const run = () => {
        aggregate.merge([snapshot]);
        renderMerged();
      };
      const registry = promClientWith(series);
      const peer = { name: "prom-client", run: () => registry.metrics(), isAsync: true };
      return measure({ name: "isotel", run }, peer, options);
    },
  };
}

function merge(parts: number, series: number, goal?: Goal): Benchmark {
  return {
    id: `metrics.merge.${parts}x${series}`,
    unit: "us",
    ...(goal && { goal }),
    async run(options) {
      const snapshot = snapshotOf(labelSets(series));
      const snapshots = Array.from({ length: parts }, () => snapshot.slice());
      const { aggregate, text } = isotelOf([]);
      const run = () => aggregate.merge(snapshots);
      // The form in which the processes of a cluster send them.
      const json = JSON.stringify(await promClientWith(series).getMetricsAsJSON());
      const metrics = Array.from({ length: parts }, () => JSON.parse(json) as object[]);
      const aggregatePeer = () => AggregatorRegistry.aggregate(metrics);
      run();
      checkSame(text(), await aggregatePeer().metrics());
      return measure({ name: "isotel", run }, { name: "prom-client", run: aggregatePeer }, options);
    },
  };
}

export const benchmarks: readonly Benchmark[] = [
  render(1000),
  render(10_000, { peer: "prom-client", ratio: 1 / 25 }),
  scrape(10_000),
  merge(10, 100),
  merge(100, 100, { peer: "prom-client", ratio: 1 / 200 }),
];
