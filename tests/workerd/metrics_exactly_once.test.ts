import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Producer } from "../wasm/support/producer.ts";
import {
  base64,
  type MetricsApp,
  type QueueResult,
  startMetricsApp,
} from "./harness/metrics_app.ts";

const orders = { name: "orders" };
const total = "orders_total";

let producers = 100;
/** A producer nobody has heard of, in a shard of two. */
function newProducer(shard = 0): Producer {
  producers += 2;
  return new Producer(producers + shard);
}

describe("frames in a Durable Object", () => {
  let app: MetricsApp;
  let expected = 0;
  before(async () => {
    app = await startMetricsApp();
  });
  after(() => app.worker.close());

  const apply = (frames: readonly Uint8Array[]) =>
    app.ask<number[]>("/apply", {}, frames.map(base64));
  const queue = (frames: readonly (Uint8Array | null)[], attempts = 1) =>
    app.ask<QueueResult>(
      "/queue",
      { shards: 1 },
      frames.map((frame) => ({ frame: frame && base64(frame), attempts })),
    );
  const assertTotal = async (message?: string) =>
    assert.equal((await app.totals()).get(total), expected, message);
  const frame = (value: number, producer = newProducer()) => {
    expected += value;
    return producer.count(orders, value, Date.now());
  };

  test("a frame counts once, whatever the order and however often it comes", async () => {
    const producer = newProducer();
    const [first, second, third] = [frame(1, producer), frame(10, producer), frame(100, producer)];
    assert.deepEqual(await apply([third, first, third]), [0, 0, 1]);
    assert.deepEqual(await apply([first, second, third]), [1, 0, 1]);
    await assertTotal();
  });

  test("the queue handler called twice with the same messages adds them once", async () => {
    const frames = [frame(1), frame(2), frame(3)];
    for (let call = 0; call < 2; call += 1) {
      const { outcome, explicitAcks, retryMessages } = await queue(frames);
      assert.deepEqual([outcome, explicitAcks, retryMessages], ["ok", ["0", "1", "2"], []]);
    }
    await assertTotal();
  });
});
