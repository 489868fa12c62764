import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MetricKind } from "../../bindings/core/abi.gen.ts";
import { Producer } from "../wasm/support/producer.ts";
import { eventually } from "./harness/eventually.ts";
import {
  base64,
  type KvWrite,
  type MetricsApp,
  type Parameters,
  samplesOf,
  startMetricsApp,
} from "./harness/metrics_app.ts";

const orders = { name: "orders" };
const total = "orders_total";
const load = { name: "load", kind: MetricKind.gaugeSum };

let producers = 0;
function newProducer(): Producer {
  producers += 1;
  return new Producer(producers);
}

describe("what an aggregator publishes", () => {
  let app: MetricsApp;
  before(async () => {
    app = await startMetricsApp();
  });
  after(() => app.worker.close());

  const apply = (parameters: Parameters, frames: readonly Uint8Array[]) =>
    app.ask<number[]>("/apply", parameters, frames.map(base64));
  const published = async (parameters: Parameters = {}) => {
    const response = await app.scrape({ public: 1, ...parameters });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return samplesOf(text);
  };

  test("under a steady stream of frames KV is written at most once a second, with versions that grow", async () => {
    const producer = newProducer();
    let sent = 0;
    let seen = 0;
    const writesSoFar = () => app.ask<KvWrite[]>("/writes");
    while ((await writesSoFar()).length < 4) {
      await apply({}, [producer.count(orders, 1, Date.now())]);
      sent += 1;
      if (sent % 40 === 0) await app.evict();
      if (sent % 5 === 0) {
        const now = (await published()).get(total) ?? 0;
        assert.ok(now >= seen && now <= sent, `${seen}, then ${now} of ${sent}`);
        seen = now;
      }
    }
    await eventually(async () => assert.equal((await published()).get(total), sent));
    const writes = await writesSoFar();
    writes.slice(1).forEach(({ unixMs, version }, index) => {
      const last = writes[index] as KvWrite;
      assert.ok(unixMs - last.unixMs >= 1000, JSON.stringify(writes));
      assert.ok(version > last.version, JSON.stringify(writes));
    });
    const { metadata } = await app.ask<{ metadata: unknown }>("/kv");
    assert.deepEqual(metadata, { version: writes.at(-1)?.version });
  });

  test("what is not published yet when the object is evicted is published all the same", async () => {
    const object = "isotel-10";
    await apply({ object }, [newProducer().count(orders, 7, Date.now())]);
    await app.evict(object);
    await eventually(async () => {
      const { metadata } = await app.ask<{ metadata: unknown }>("/kv", { object });
      assert.notEqual(metadata, null);
    });
  });

  test("KV that fails is tried again until it takes the snapshot", async () => {
    const object = "isotel-11";
    await app.ask("/break", { object, fault: "kv" });
    await apply({ object }, [newProducer().count(orders, 7, Date.now())]);
    await eventually(async () => {
      const { metadata } = await app.ask<{ metadata: unknown }>("/kv", { object });
      assert.notEqual(metadata, null);
    });
    const writes = await app.ask<KvWrite[]>("/writes", { object });
    assert.equal(writes.length, 2);
  });

  test("a gauge leaves once its producer has been silent for its time, then the producer too, and the next alarm is far away", async () => {
    const short = { short: 1 };
    const producer = newProducer();
    const name = "load";
    producer.record(load, 5, [], Date.now());
    const frame = producer.count(orders, 3, Date.now());
    await apply(short, [frame]);
    await eventually(async () => assert.equal((await published(short)).get(name), 5));
    await eventually(async () => {
      const samples = await published(short);
      assert.deepEqual([samples.get(name), samples.get(total)], [undefined, 3]);
    });
    await eventually(async () => {
      const samples = await published(short);
      assert.equal(samples.get("isotel_producers"), 0);
      assert.equal(samples.get("isotel_producers_pruned_total"), 1);
      assert.equal(samples.get(total), 3, "totals stay");
    });
    // It looks whether series have expired, which they do after 60 days.
    const alarm = await app.ask<number>("/alarm", short);
    assert.ok(alarm > Date.now() + 29 * 24 * 3_600_000, `${alarm}`);
    // The frame is older than its producer is remembered.
    assert.deepEqual(await apply(short, [frame]), [-20]);
    await eventually(async () => {
      assert.equal((await published(short)).get("isotel_frames_too_old_total"), 1);
    });
    assert.equal((await published(short)).get(total), 3);
  });

  test("totals that cannot be read are shown as such, and stay as they are", async () => {
    const object = "isotel-0";
    await apply({ object }, [newProducer().count(orders, 1, Date.now())]);
    await eventually(async () => assert.notEqual(await app.ask("/alarm", { object }), null));
    const damage = "UPDATE isotel_chunks SET bytes = CAST('ISC' || char(9) || 'later' AS BLOB)";
    await app.ask("/exec", { object }, `${damage} WHERE id = 0`);
    const rows = () => app.ask("/exec", { object }, "SELECT id, hex(bytes) FROM isotel_chunks");
    const damaged = await rows();
    await app.evict(object);

    const frame = newProducer().count(orders, 1, Date.now());
    await assert.rejects(apply({ object }, [frame]), /cannot be read.*unknownVersion/);
    for (const source of ["durable-object", "kv"]) {
      await eventually(async () => {
        const response = await app.scrape({ public: 1, source });
        const text = await response.text();
        assert.equal(response.status, 503, source);
        assert.match(text, /the stored totals cannot be read .* \(unknownVersion\)/);
      });
    }
    await sleep(1500);
    assert.deepEqual(await rows(), damaged);
    const { bytes } = await app.ask<{ bytes: string | null }>("/kv", { object });
    assert.match(Buffer.from(bytes ?? "", "base64").toString("latin1"), /^ISS.*orders/s);
  });
});
