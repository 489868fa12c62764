import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Aggregate,
  createAggregate,
  isolateAggregate,
} from "../../../bindings/aggregate/totals/aggregate.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { counter } from "../../../bindings/metrics/definitions.ts";
import { Flusher } from "../../../bindings/metrics/flusher.ts";
import { SelfMetrics } from "../../../bindings/metrics/self_metrics.ts";
import { markShards, maxShards, shardOf } from "../../../bindings/metrics/shards.ts";
import { Random } from "../../wasm/support/random.ts";
import { metering } from "../support/metering.ts";

function randomId(random: Random): Uint8Array {
  return Uint8Array.from({ length: 16 }, () => random.below(256));
}

function numberOf(id: Uint8Array): number {
  return new DataView(id.buffer, id.byteOffset).getUint32(0, true);
}

/** A meter of an isolate whose Worker is deployed with this number of shards, or does not know it. */
function isolateOf(random: Random, shards: number | undefined) {
  const isolate = metering({ random: (bytes) => bytes.set(randomId(random)) });
  const selfMetrics = new SelfMetrics(isolate.meter, () => ({}));
  const flusher = new Flusher(isolate.meter, selfMetrics, {
    waitUntil: () => {},
    sleep: isolate.time.sleep,
  });
  const transport = { send: async () => {} };
  flusher.use({ transport, intervalMs: 10_000, shards });
  const { orders } = defineMetricsIn(isolate.meter, { orders: counter("orders") });
  return {
    shards,
    flusher,
    transport,
    /** Returns a frame that counts `value`. */
    count(value: number): Uint8Array {
      orders.add(value);
      isolate.meter.flush(false);
      const [frame, ...more] = isolate.meter.outbox.frames;
      if (frame === undefined || more.length > 0) assert.fail("it is not one frame");
      isolate.meter.outbox.remove(frame);
      return frame;
    },
  };
}

const idOf = (frame: Uint8Array) => frame.subarray(4, 20);

describe("the identifier of a producer", () => {
  test("keeps the number of shards that its isolate was born with, in every later core too", () => {
    const random = new Random(1);
    for (let shards = 1; shards <= maxShards; shards += 1) {
      const id = randomId(random);
      const bytes = id.slice(0, 12);
      markShards(id, shards);
      assert.deepEqual(id.subarray(0, 12), bytes, "96 bits stay random");
      for (const configured of [1, 3, 256]) {
        assert.equal(shardOf(id, configured), numberOf(id) % shards);
      }
    }
    const isolate = isolateOf(random, 5);
    const frame = isolate.count(1);
    assert.equal(shardOf(idOf(frame), 1), numberOf(idOf(frame)) % 5);
    // The options of another env, or of a later deployment.
    isolate.flusher.use({ transport: isolate.transport, intervalMs: 10_000, shards: 9 });
    assert.deepEqual(idOf(isolate.count(1)), idOf(frame));
  });

  test("of an isolate that does not know the number leaves it to the consumer", () => {
    const random = new Random(2);
    for (let time = 0; time < 100; time += 1) {
      const id = randomId(random);
      if (time % 2 === 0) markShards(id, 200);
      // Also one that is marked by accident.
      markShards(id, undefined);
      for (const configured of [1, 3, 256]) {
        assert.equal(shardOf(id, configured), numberOf(id) % configured);
      }
    }
    const id = idOf(isolateOf(random, undefined).count(1));
    assert.equal(shardOf(id, 7), numberOf(id) % 7);
  });

  test("is read alike by the consumer of the queue and by a sender without it", () => {
    const random = new Random(3);
    const aggregate = isolateAggregate();
    const ids = new Set<string>();
    for (let time = 0; time < 300; time += 1) {
      const shards = random.once(4) ? undefined : 1 + random.below(maxShards);
      const frame = isolateOf(random, shards).count(1);
      // Of a newer version, which has no checksum that this one knows: any identifier will do.
      const newer = frame.with(3, 9);
      const configured = 1 + random.below(maxShards);
      assert.equal(aggregate.shardOfFrame(frame, configured), shardOf(idOf(frame), configured));
      for (const change of [undefined, 0, 12, 13, 14, 15]) {
        const id = idOf(newer);
        if (change !== undefined) id[change] = random.below(256);
        assert.equal(aggregate.shardOfFrame(newer, configured), shardOf(id, configured));
      }
      ids.add(idOf(frame).join());
    }
    assert.equal(ids.size, 300);
  });
});

interface Outcome {
  readonly lost: number;
  readonly doubled: number;
  readonly duplicates: number;
}

/**
 * A schedule of deployments that add shards, while isolates send directly and through a queue, frames are redelivered,
 * and isolates and consumers of earlier deployments go on.
 *
 * @param isMarked whether isolates know the number of shards.
 */
function run(seed: number, isMarked: boolean): Outcome {
  const random = new Random(seed);
  const aggregates = new Map<number, Aggregate>();
  const apply = (shard: number, frame: Uint8Array): number => {
    let aggregate = aggregates.get(shard);
    if (aggregate === undefined) {
      aggregate = createAggregate();
      aggregate.load([]);
      aggregates.set(shard, aggregate);
    }
    return aggregate.apply(frame, 1e12);
  };
  /** The number of shards of each deployment so far. */
  const deployed = [1 + random.below(3)];
  const current = () => deployed.at(-1) as number;
  const isolates = [isolateOf(random, isMarked ? current() : undefined)];
  const waiting: { readonly frame: Uint8Array; readonly isDirect: boolean }[] = [];
  let truth = 0;
  let duplicates = 0;
  const deliver = (isLast: boolean) => {
    const index = random.below(waiting.length);
    const { frame, isDirect } = waiting[index] as (typeof waiting)[number];
    // During a deployment, isolates of the one before deliver too.
    const shards = deployed.at(isLast || random.once(2) ? -1 : -2) ?? current();
    const shard = isDirect
      ? shardOf(idOf(frame), shards)
      : isolateAggregate().shardOfFrame(frame, shards);
    const answer = apply(shard, frame);
    assert.ok(answer === 0 || answer === 1);
    duplicates += answer;
    // The answer is lost: the frame comes again.
    if (isLast || !random.once(3)) waiting.splice(index, 1);
  };
  for (let step = 0; step < 120; step += 1) {
    if (random.once(20)) deployed.push(current() + 1 + random.below(4));
    if (random.once(12)) isolates.push(isolateOf(random, isMarked ? current() : undefined));
    const value = 1 + random.below(1000);
    truth += value;
    waiting.push({ frame: random.pick(isolates).count(value), isDirect: random.once(2) });
    while (waiting.length > 0 && !random.once(3)) deliver(false);
  }
  while (waiting.length > 0) deliver(true);
  const reader = isolateAggregate();
  reader.merge([...aggregates.values()].map((aggregate) => aggregate.snapshot(1e12)));
  const text = new TextDecoder().decode(reader.render({ format: 0, escaping: 0 }, 0, 1e12));
  const total = Number(/^orders_total (\d+)$/m.exec(text)?.[1]);
  // A scrape with the newest number reads all of them.
  assert.ok(Math.max(...aggregates.keys()) < current());
  return { lost: Math.max(0, truth - total), doubled: Math.max(0, total - truth), duplicates };
}

function runAll(isMarked: boolean): Outcome {
  const outcomes = Array.from({ length: 25 }, (_, index) => run(index + 1, isMarked));
  const sum = (name: keyof Outcome) =>
    outcomes.reduce((total, outcome) => total + outcome[name], 0);
  return { lost: sum("lost"), doubled: sum("doubled"), duplicates: sum("duplicates") };
}

describe("shards that are added while frames are in flight", () => {
  test("lose nothing and double nothing, whatever the schedule", (t) => {
    const { lost, doubled, duplicates } = runAll(true);
    t.diagnostic(JSON.stringify({ lost, doubled, duplicates }));
    assert.deepEqual({ lost, doubled }, { lost: 0, doubled: 0 });
    assert.ok(duplicates > 500);
  });

  test("doubled frames of isolates that do not know the number, in the same schedules", () => {
    // So the schedules do exercise what they are about.
    const { lost, doubled } = runAll(false);
    assert.equal(lost, 0);
    assert.ok(doubled > 0);
  });
});
