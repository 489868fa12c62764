import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { producerIdIn } from "../../bindings/aggregate/totals/aggregate.ts";
import { ErrorCode } from "../../bindings/core/abi.gen.ts";
import { Producer } from "../wasm/support/producer.ts";
import { eventually } from "./harness/eventually.ts";
import { base64, type KvWrite, type MetricsApp, startMetricsApp } from "./harness/metrics_app.ts";

const orders = { name: "orders" };
const total = "orders_total";

describe("producers that an aggregator has archived", () => {
  let app: MetricsApp;
  before(async () => {
    app = await startMetricsApp();
  });
  after(() => app.worker.close());

  const parameters = { archiving: 1 };
  const apply = (frames: readonly Uint8Array[]) =>
    app.ask<number[]>("/apply", parameters, frames.map(base64));
  const evict = () => app.evict("isotel-0", "ARCHIVING");
  const rowsOf = async (query: string) => {
    const [row] = await app.ask<{ count: number }[]>("/exec", parameters, query);
    return row?.count;
  };
  const rows = () => rowsOf("SELECT COUNT(*) AS count FROM isotel_producers");
  /** Waits for the object's own alarms: there are as many rows, and no places of producers. */
  const archived = (count: number) =>
    eventually(async () => {
      assert.equal(await rows(), count);
      const places = `SELECT COUNT(*) AS count FROM isotel_chunks WHERE id >= ${(3 << 24) * 16}`;
      assert.equal(await rowsOf(places), 0);
    }, 20_000);
  const assertTotals = async (orders: number, producers: number) => {
    const samples = await app.totals(parameters);
    assert.deepEqual([samples.get(total), samples.get("isotel_producers")], [orders, producers]);
  };

  test("a frame that is redelivered after its producer was archived and the object evicted counts once", {
    timeout: 60_000,
  }, async () => {
    const producers = Array.from({ length: 120 }, (_, index) => new Producer(500 + index));
    const frames = producers.map((producer) => producer.count(orders, 1, Date.now()));
    const late = producers.map((producer) => producer.count(orders, 1, Date.now()));
    assert.deepEqual(new Set(await apply(frames)), new Set([0]));
    assert.equal(await rows(), 0);
    await archived(120);
    await evict();
    await assertTotals(120, 120);
    // More than one query can look up.
    assert.deepEqual(new Set(await apply(frames)), new Set([1]));
    await evict();
    await assertTotals(120, 120);
    await archived(120);
    await evict();
    assert.deepEqual(new Set(await apply(late)), new Set([0]));
    assert.deepEqual(new Set(await apply([...late, ...frames])), new Set([1]));
    await evict();
    await assertTotals(240, 120);
    await archived(120);
  });

  for (const fault of ["transaction", "after_transaction", "crash"] as const) {
    test(`the same if the object fails at the redelivery (${fault})`, {
      timeout: 60_000,
    }, async () => {
      const before = await app.totals(parameters);
      const [orderCount = 0, producerCount = 0] = [total, "isotel_producers"].map((name) =>
        before.get(name),
      );
      const producer = new Producer(1000 + producerCount);
      const [first, second] = [1, 10].map((value) => producer.count(orders, value, Date.now()));
      const frames = [first ?? assert.fail(), second ?? assert.fail()];
      assert.deepEqual(await apply(frames.slice(0, 1)), [0]);
      await archived(producerCount + 1);
      await app.ask("/break", { ...parameters, fault });
      await assert.rejects(apply(frames));
      // Whether the second one was stored depends on the fault.
      assert.equal((await apply(frames))[0], 1);
      await evict();
      await assertTotals(orderCount + 11, producerCount + 1);
      await archived(producerCount + 1);
    });
  }

  test("a damaged record holds up frames of its producer alone: those that may have been added", {
    timeout: 60_000,
  }, async () => {
    const before = await app.totals(parameters);
    const count = (name: string) => before.get(name) ?? 0;
    const producers = count("isotel_producers");
    const producer = new Producer(9000);
    const first = producer.count(orders, 1, Date.now());
    assert.deepEqual(await apply([first]), [0]);
    await archived(producers + 1);
    const damage = "UPDATE isotel_producers SET record = x'0102' WHERE id = x";
    const id = Buffer.from(producerIdIn(first)).toString("hex");
    await app.ask("/exec", parameters, `${damage}'${id}'`);
    await evict();
    const other = new Producer(9001).count(orders, 10, Date.now());
    const { recordDamaged } = ErrorCode;
    assert.deepEqual(await apply([first, other]), [recordDamaged, 0]);
    await evict();
    assert.deepEqual(await apply([first]), [recordDamaged]);
    const after = producer.count(orders, 100, Date.now());
    assert.deepEqual(await apply([after, first, after]), [0, 1, 1]);
    await evict();
    await assertTotals(count(total) + 111, producers + 2);
    const samples = await app.totals(parameters);
    assert.equal(samples.get("isotel_producer_records_damaged_total"), 1);
    assert.equal(
      samples.get("isotel_frames_rejected_total"),
      count("isotel_frames_rejected_total") + 2,
    );
    await archived(producers + 2);
    assert.deepEqual(await apply([first, after]), [1, 1]);
  });

  test("a damaged record whose retention is over is forgotten, and the totals are published", {
    timeout: 60_000,
  }, async () => {
    const own = { ...parameters, object: "isotel-1" };
    const frames = [1, 2].map((number) => new Producer(number).count(orders, number, Date.now()));
    assert.deepEqual(await app.ask("/apply", own, frames.slice(0, 1).map(base64)), [0]);
    const ask = <T>(query: string) => app.ask<T>("/exec", own, query);
    await eventually(async () => {
      const [row] = await ask<{ count: number }[]>(
        "SELECT COUNT(*) AS count FROM isotel_producers",
      );
      assert.equal(row?.count, 1);
    }, 20_000);
    await ask("UPDATE isotel_producers SET seen = 1, record = x'0102'");
    await app.evict("isotel-1", "ARCHIVING");
    const published = Date.now();
    assert.deepEqual(await app.ask("/apply", own, frames.slice(1).map(base64)), [0]);
    await eventually(async () => {
      const writes = await app.ask<KvWrite[]>("/writes", own);
      assert.ok(writes.some(({ unixMs }) => unixMs > published));
      assert.deepEqual(await ask("SELECT id FROM isotel_producers WHERE seen = 1"), []);
    }, 20_000);
  });
});
