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

describe("what is stored of an export and damaged", () => {
  for (const temporality of ["cumulative", "delta"] as const) {
    const damages = [
      ["state", "UPDATE isotel_exports SET state = 'x' WHERE slot = 0"],
      ["snapshot", "UPDATE isotel_export_chunks SET bytes = x'00' WHERE id / 16 = 1"],
      ["no snapshot", "DELETE FROM isotel_export_chunks WHERE id / 16 = 1"],
      ["base", "UPDATE isotel_export_chunks SET bytes = x'00' WHERE id / 16 = 0"],
      ["no base", "DELETE FROM isotel_export_chunks WHERE id / 16 = 0"],
    ] as const;
    for (const [what, query] of damages) {
      // Cumulative totals have no base.
      if (temporality === "cumulative" && what.endsWith("base")) continue;
      test(`the export starts anew and is reported, other backends go on: ${what}, ${temporality}`, async () => {
        const world = new World();
        const memory = new MemoryStorage();
        const endpoint = (host: string) => ({
          backend: "custom" as const,
          endpoint: `https://${host}.example`,
          compression: "none" as const,
          temporality,
        });
        const options = { backends: [endpoint("one"), endpoint("two")] };
        const producer = new Producer(1);
        const count = (value: number) => producer.count(orders, value, world.nowUnixMs, ["pro"]);
        const sums = (host: string) =>
          pointsOf(onceEach(world.taken().filter(({ url }) => url.includes(host)))).map(
            ({ value }) => value,
          );
        const first = new Life(world, memory, options);
        first.apply(count(1));
        await first.passAll(60_000);
        first.apply(count(10));
        world.answers.push({ status: 503 }, { status: 503 });
        await first.pass(60_000);
        memory.database.exec(query);

        const life = new Life(world, memory, options);
        await life.passAll(300_000);
        life.apply(count(100));
        await life.passAll(120_000);
        const isDelta = temporality === "delta";
        const total = (host: string) =>
          isDelta
            ? sums(host).reduce((sum: number, value) => sum + (value ?? 0), 0)
            : sums(host).at(-1);
        assert.equal(total("two"), 111);
        assert.equal(total("one"), isDelta ? 101 : 111);
        const told = life.reports.filter((line) => line.includes("starts anew"));
        assert.deepEqual(told, [
          "isotel: metrics for custom: what is stored of the export is damaged; it starts anew. " +
            "Deltas leave out what was not sent.",
        ]);
        assert.ok(life.reports.length <= 2, life.reports.join("\n"));
      });
    }
  }
});
