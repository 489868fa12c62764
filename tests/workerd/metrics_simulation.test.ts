import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Producer } from "../wasm/support/producer.ts";
import { Random } from "../wasm/support/random.ts";
import { eventually } from "./harness/eventually.ts";
import {
  base64,
  type MetricsApp,
  type QueueResult,
  samplesOf,
  startMetricsApp,
} from "./harness/metrics_app.ts";

const schedules = 8;
const shards = 2;
const producers = 8;
const framesOfEach = 5;
const faults = ["before", "transaction", "after_transaction", "set_alarm", "after", "crash", "kv"];
const shardNames = Array.from({ length: shards }, (_, shard) => `isotel-${shard}`);

/** A message that the queue has not seen acknowledged. */
interface Pending {
  readonly frame: string;
  attempts: number;
}

describe("a queue that repeats, reorders and retries, over aggregators that crash and are evicted", () => {
  let app: MetricsApp;
  /** What every series should show. */
  const truth = new Map<string, number>();
  /** The most that was shown of it, by source. */
  const shown = new Map<string, number>();
  const counts = { duplicates: 0, retries: 0, evictions: 0, scrapes: 0 };
  before(async () => {
    app = await startMetricsApp();
  });
  after(() => app.worker.close());

  function record(seed: number, random: Random): Pending[] {
    const family = { name: `orders_${seed}`, labels: ["producer"] };
    const pending: Pending[] = [];
    for (let number = 0; number < producers; number += 1) {
      const producer = new Producer(1000 * seed + number);
      const key = `${family.name}_total{producer="${number}"}`;
      for (let frame = 0; frame < framesOfEach; frame += 1) {
        const value = 1 + random.below(1000);
        truth.set(key, (truth.get(key) ?? 0) + value);
        const bytes = producer.count(family, value, Date.now(), [String(number)]);
        pending.push({ frame: base64(bytes), attempts: 1 });
      }
    }
    return pending;
  }

  /** Delivers some of the messages; those that were acknowledged, unless that goes unnoticed, are not pending any more. */
  async function deliver(pending: Pending[], random: Random): Promise<void> {
    const batch = Array.from({ length: 1 + random.below(8) }, () => random.pick(pending));
    const result = await app.ask<QueueResult>("/queue", { shards }, batch);
    counts.retries += result.retryMessages.length;
    for (const { msgId } of result.retryMessages) (batch[Number(msgId)] as Pending).attempts += 1;
    if (random.once(4)) return;
    for (const id of result.explicitAcks) {
      const at = pending.indexOf(batch[Number(id)] as Pending);
      // One in five is delivered again although it was acknowledged.
      if (at >= 0 && !random.once(5)) pending.splice(at, 1);
    }
  }

  async function watch(source: "kv" | "durable-object"): Promise<Map<string, number>> {
    const response = await app.scrape({ public: 1, shards, source });
    const samples = samplesOf(await response.text());
    counts.scrapes += 1;
    for (const [key, value] of samples) {
      if (!key.startsWith("orders_")) continue;
      const seen = `${source} ${key}`;
      assert.ok(value >= (shown.get(seen) ?? 0), `${seen} stepped back to ${value}`);
      assert.ok(value <= (truth.get(key) ?? 0), `${seen} is ${value}`);
      shown.set(seen, value);
    }
    return samples;
  }

  async function run(seed: number): Promise<void> {
    const random = new Random(seed);
    const pending = record(seed, random);
    while (pending.length > 0) {
      if (random.once(3)) {
        await app.ask("/break", { object: random.pick(shardNames), fault: random.pick(faults) });
      }
      const consumers = Array.from({ length: 1 + random.below(3) }, () => deliver(pending, random));
      if (random.once(4)) {
        counts.evictions += 1;
        consumers.push(app.evict(random.pick(shardNames)));
      }
      await Promise.all(consumers);
      await watch(random.pick(["durable-object", "kv"]));
    }
  }

  function differences(samples: ReadonlyMap<string, number>): { lost: number; doubled: number } {
    let [lost, doubled] = [0, 0];
    for (const [key, value] of truth) {
      const difference = value - (samples.get(key) ?? 0);
      if (difference > 0) lost += difference;
      else doubled -= difference;
    }
    return { lost, doubled };
  }

  test(`${schedules} random schedules lose nothing and double nothing`, {
    timeout: 120_000,
  }, async (t) => {
    for (let seed = 1; seed <= schedules; seed += 1) await run(seed);
    const totals = await watch("durable-object");
    const { lost, doubled } = differences(totals);
    counts.duplicates = totals.get("isotel_frames_duplicate_total") ?? 0;
    t.diagnostic(`${JSON.stringify(counts)}: lost=${lost} doubled=${doubled}`);
    assert.deepEqual({ lost, doubled }, { lost: 0, doubled: 0 });
    const frames = schedules * producers * framesOfEach;
    assert.equal(totals.get("isotel_frames_applied_total"), frames);
    // The schedules did exercise what they are about.
    assert.ok(counts.duplicates > schedules && counts.retries > schedules && counts.evictions > 2);
  });

  test("what is published ends up the same", async () => {
    await eventually(async () => {
      assert.deepEqual(differences(await watch("kv")), { lost: 0, doubled: 0 });
    }, 20_000);
  });
});
