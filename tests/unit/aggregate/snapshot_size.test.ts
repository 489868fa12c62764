import assert from "node:assert/strict";
import { test } from "node:test";
import { createAggregate, isolateAggregate } from "../../../bindings/aggregate/totals/aggregate.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { histogram } from "../../../bindings/metrics/definitions.ts";
import { metering } from "../support/metering.ts";

const isolates = 5;
const seriesOfIsolate = 2000;
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Enough for a count to need two bytes. */
const perBucket = 130;

/** The frames of one isolate: every bucket of every series has that many values. */
function framesOf(isolate: number): readonly Uint8Array[] {
  const { meter } = metering({ random: (bytes) => void bytes.fill(isolate + 1) });
  const labels = ["route", "status"] as const;
  const { latency } = defineMetricsIn(meter, { latency: histogram("latency", { labels, bounds }) });
  for (let i = 0; i < seriesOfIsolate; i += 1) {
    const route = `/api/v1/resource/${isolate * seriesOfIsolate + i}`;
    const bound = latency.bind({ route, status: 200 });
    for (const value of [...bounds, 11]) {
      for (let times = 0; times < perBucket; times += 1) bound.record(value);
    }
  }
  meter.flush(false);
  return meter.outbox.frames;
}

test("the snapshot of 10,000 histogram series of 12 buckets is no larger than 2 MB", () => {
  const aggregate = createAggregate();
  aggregate.load([]);
  for (let isolate = 0; isolate < isolates; isolate += 1) {
    for (const frame of framesOf(isolate)) assert.equal(aggregate.apply(frame, 1e12), 0);
  }
  const snapshot = aggregate.snapshot(1e12);
  assert.ok(snapshot.length <= 2_000_000, `${snapshot.length} bytes`);

  const reader = isolateAggregate();
  reader.merge([snapshot]);
  const text = new TextDecoder().decode(reader.render({ format: 0, escaping: 0 }, 0, 1e12));
  const counts = text.match(/^latency_count\{.*\} 1560$/gm);
  assert.equal(counts?.length, isolates * seriesOfIsolate);
});
