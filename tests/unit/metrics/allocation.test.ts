import assert from "node:assert/strict";
import { PerformanceObserver } from "node:perf_hooks";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import {
  counter,
  exponentialHistogram,
  gauge,
  histogram,
} from "../../../bindings/metrics/definitions.ts";
import { metering, settle } from "../support/metering.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const { meter } = metering();
const metrics = defineMetricsIn(meter, {
  orders: counter("orders", { labels: ["plan", "code"] }),
  visits: counter("visits"),
  load: gauge("load", { labels: ["plan"] }),
  size: histogram("size", { bounds: [1, 10, 100], labels: ["plan", "code"] }),
  wait: exponentialHistogram("wait", { labels: ["plan"] }),
});
const labelSets = Array.from({ length: 100 }, (_, i) => ({ plan: `plan ${i % 7}`, code: i }));
// Fractions that are objects already: with a text among them, taking one out of the list makes no new one.
const values: readonly unknown[] = [...Array.from({ length: 128 }, (_, i) => i + 0.37), "none"];
const value = (i: number) => values[i % 128] as number;
const bound = labelSets.map((labels) => metrics.orders.bind(labels));

const recordings: Readonly<Record<string, (i: number) => void>> = {
  "a counter by labels": (i) => metrics.orders.add(value(i), labelSets[i % 100] as never),
  "a counter without labels": () => metrics.visits.add(1),
  "a bound counter": (i) => bound[i % 100]?.add(1),
  "a gauge": (i) => metrics.load.set(value(i), labelSets[i % 100] as never),
  "a histogram": (i) => metrics.size.record(value(i), labelSets[i % 100] as never),
  "an exponential histogram": (i) => metrics.wait.record(value(i), labelSets[i % 100] as never),
};

const times = 1_000_000;

interface Run {
  /** By how much the heap grew. */
  readonly bytes: number;
  /** Garbage collections meanwhile, which hide what was allocated. */
  readonly collections: number;
}

async function measured(run: () => void): Promise<Run> {
  const collections: number[] = [];
  const observer = new PerformanceObserver((list) => {
    collections.push(...list.getEntries().map(({ startTime }) => startTime));
  });
  await settle();
  collectGarbage();
  const start = performance.now();
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage().heapUsed;
  run();
  const bytes = process.memoryUsage().heapUsed - before;
  const end = performance.now();
  // The observer is told late. Once it knows of this collection, it knows of every earlier one.
  collectGarbage();
  while (!collections.some((startTime) => startTime >= end)) await settle();
  observer.disconnect();
  return { bytes, collections: collections.filter((at) => at >= start && at < end).length };
}

describe("after warming up, recording allocates nothing:", () => {
  for (const [what, record] of Object.entries(recordings)) {
    test(what, async () => {
      const run = () => {
        for (let i = 0; i < times; i += 1) record(i);
      };
      meter.isAwake = true;
      // Twice: the first one compiles, and throws away what was compiled before.
      run();
      run();
      const memoryBytes = meter.host.core?.memoryBytes;
      // The engine may collect for reasons of its own, but not in each of ten runs unless they allocate.
      let last = await measured(run);
      for (let again = 1; again < 10 && last.collections > 0; again += 1)
        last = await measured(run);
      assert.equal(last.collections, 0, "a collection would hide what was allocated");
      // The least that could be allocated each time is 12 bytes; the rest is the runtime's own business.
      assert.ok(last.bytes < 4 * times, `${last.bytes} bytes for ${times} records`);
      assert.equal(meter.host.core?.memoryBytes, memoryBytes);
    });
  }
});

test("a thousand flushes leave the memory of the core as it is", () => {
  const flush = () => {
    for (let i = 0; i < 100; i += 1) {
      metrics.orders.add(1, labelSets[i] as never);
      metrics.size.record(i, labelSets[i] as never);
    }
    meter.flush(true);
    for (const frame of meter.outbox.frames) meter.outbox.remove(frame);
  };
  for (let i = 0; i < 100; i += 1) flush();
  const memoryBytes = meter.host.core?.memoryBytes;
  for (let i = 0; i < 1000; i += 1) flush();
  assert.equal(meter.host.core?.memoryBytes, memoryBytes);
  assert.equal(meter.outbox.size, 0);
});
