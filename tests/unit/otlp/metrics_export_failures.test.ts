import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MetricKind } from "../../../bindings/core/abi.gen.ts";
import { seriesTotals } from "../../otlp_receiver/sums.ts";
import { latency, orders, size } from "../../wasm/support/families.ts";
import { type Family, Producer } from "../../wasm/support/producer.ts";
import { Random } from "../../wasm/support/random.ts";
import { MemoryStorage } from "../support/runtime_doubles.ts";
import { type Answer, Life, onceEach, pointsOf, World } from "./support/export_life.ts";

const depth: Family = { name: "depth", kind: MetricKind.gaugeLast };

describe("any order of failures", () => {
  const plans = ["free", "pro", ""];

  /** Records at random, in eighths, whose sums are exact. */
  function recordSome(producer: Producer, random: Random, truth: Map<string, [number, number]>) {
    for (let left = random.below(12); left > 0; left -= 1) {
      const family = random.pick([orders, latency, size]);
      const plan = random.pick(plans);
      const value = random.below(4000) / 8;
      producer.record(family, value, [plan], 1000);
      const key = plan === "" ? family.name : `${family.name} plan=${plan}`;
      const [count, sum] = truth.get(key) ?? [0, 0];
      truth.set(key, [count + 1, sum + value]);
    }
    producer.record(depth, random.below(9));
  }

  for (const temporality of ["cumulative", "delta"] as const) {
    test(`lives that end anywhere and backends that do anything lose nothing and double nothing, ${temporality}`, async () => {
      let retries = 0;
      let gauges = 0;
      for (let seed = 1; seed <= 40; seed += 1) {
        const random = new Random(seed);
        const world = new World();
        const memory = new MemoryStorage();
        const options = {
          backend: "custom",
          endpoint: "https://otel.example",
          compression: "none",
          temporality,
          maxBytes: random.pick([1_000, 2_000, 4_000_000]),
        } as const;
        const truth = new Map<string, [number, number]>();
        const isolates = [1, 2, 3].map((number) => new Producer(number));
        let life = new Life(world, memory, options);
        for (let step = 0; step < 25; step += 1) {
          const producer = random.pick(isolates);
          recordSome(producer, random, truth);
          const frames = producer.frames(world.nowUnixMs);
          life.apply(...frames, ...(random.once(3) ? frames : []));
          while (random.once(2)) {
            world.answers.push(
              random.pick<Answer>([
                { status: 503 },
                { status: 429, headers: { "retry-after": "3" } },
                { status: 400 },
                "reset",
                "lost",
              ]),
            );
          }
          if (random.once(3)) memory.failure = new Error("disk");
          await life.pass(random.below(90_000));
          memory.failure = undefined;
          // Evicted, in the middle of whatever it was at.
          if (random.once(3)) life = new Life(world, memory, options);
        }
        world.answers.length = 0;
        for (let i = 0; i < 5; i += 1) await life.pass(120_000);
        retries += world.requests.length - onceEach(world.requests).length;
        const taken = onceEach(world.taken());
        const totals = seriesTotals(pointsOf(taken));
        for (const [key, [count, sum]] of truth) {
          const total = totals.get(key);
          const isCounter = key.startsWith("orders");
          assert.equal(isCounter ? total?.value : total?.sum, sum, `seed ${seed}: ${key}`);
          if (isCounter) continue;
          assert.equal(total?.count, count, `seed ${seed}: ${key}`);
          const inBuckets = Object.values(total?.buckets ?? {}).reduce((all, one) => all + one, 0);
          assert.equal(inBuckets, count, `seed ${seed}: ${key}`);
        }
        assert.deepEqual(new Set(totals.keys()), new Set(truth.keys()));
        gauges += pointsOf(taken).filter(({ kind }) => kind === "gauge").length;
      }
      assert.ok(retries > 50, `${retries} requests were repeated`);
      assert.ok(gauges > 50, `${gauges} gauges were sent`);
    });
  }
});
