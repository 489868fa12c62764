import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Producer } from "../wasm/support/producer.ts";
import { eventually } from "./harness/eventually.ts";
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

  for (const [fault, what] of [
    ["before", "that fails before it has done anything"],
    ["transaction", "whose transaction is rolled back"],
    ["after_transaction", "that dies between its transaction and its alarm"],
    ["set_alarm", "that cannot set its alarm"],
    ["after", "that fails when all is stored"],
    ["crash", "that is gone before its answer"],
  ] as const) {
    test(`an aggregator ${what} has its messages retried, and adds them once`, async () => {
      const frames = [frame(1), frame(2)];
      if (fault === "set_alarm") await withoutAlarm();
      await app.ask("/break", { fault });
      const failed = await queue(frames);
      assert.deepEqual([failed.outcome, failed.explicitAcks], ["ok", []]);
      assert.deepEqual(failed.retryMessages, [
        { msgId: "0", delaySeconds: 5 },
        { msgId: "1", delaySeconds: 5 },
      ]);
      const again = await queue(frames, 2);
      assert.deepEqual(again.explicitAcks, ["0", "1"]);
      await assertTotal();
      await app.evict();
      await assertTotal("after an eviction");
    });
  }

  test("an aggregator that is evicted after each frame forgets none and adds none twice", async () => {
    const producer = newProducer();
    for (let value = 1; value <= 5; value += 1) {
      const one = frame(value, producer);
      assert.deepEqual(await apply([one]), [0]);
      await app.evict();
      assert.deepEqual(await apply([one]), [1]);
      await app.evict();
    }
    await assertTotal();
  });

  test("what is no frame is acknowledged and counted, and keeps nothing else back", async () => {
    const rejected = "isotel_frames_rejected_total";
    const before = (await app.totals()).get(rejected) ?? 0;
    const good = frame(5);
    const cut = good.subarray(0, good.length - 1);
    const { explicitAcks, retryMessages } = await queue([
      null,
      cut,
      good,
      new Uint8Array(),
      new Uint8Array(127_000).fill(1),
    ]);
    assert.deepEqual([explicitAcks, retryMessages], [["0", "1", "2", "3", "4"], []]);
    await assertTotal();
    assert.equal((await app.totals()).get(rejected), before + 4);
  });

  test("a frame of a newer format is retried and counted, wherever it is in a batch", async () => {
    const names = ["isotel_frames_newer_total", "isotel_frames_rejected_total"] as const;
    const counts = async () => {
      const totals = await app.totals();
      return names.map((name) => totals.get(name) ?? 0);
    };
    const [newerBefore = 0, rejectedBefore = 0] = await counts();
    const newer = new Producer(1).count(orders, 1, Date.now()).with(3, 9);
    const { explicitAcks, retryMessages } = await queue([newer, frame(5), newer]);
    assert.deepEqual(explicitAcks, ["1"]);
    assert.deepEqual(retryMessages, [
      { msgId: "0", delaySeconds: 5 },
      { msgId: "2", delaySeconds: 5 },
    ]);
    await assertTotal();
    assert.deepEqual(await counts(), [newerBefore + 2, rejectedBefore]);
  });

  test("each attempt is delayed twice as long as the one before, up to an hour", async () => {
    const delays: (number | undefined)[] = [];
    const one = frame(1);
    for (const attempts of [1, 2, 3, 10, 11, 100]) {
      await app.ask("/break", { fault: "before" });
      delays.push((await queue([one], attempts)).retryMessages[0]?.delaySeconds);
    }
    assert.deepEqual(delays, [5, 10, 20, 2560, 3600, 3600]);
    await queue([one]);
    await assertTotal();
  });

  test("from the third attempt on, a message that breaks the aggregator takes no other with it", async () => {
    const frames = [frame(1), frame(2), frame(3)];
    await app.ask("/break", { fault: "before" });
    const { explicitAcks, retryMessages } = await queue(frames, 3);
    assert.equal(explicitAcks.length, 2);
    assert.equal(retryMessages.length, 1);
    await queue(frames, 4);
    await assertTotal();
  });

  /** The next frame needs one: the object does not know of any. */
  async function withoutAlarm(): Promise<void> {
    await app.ask("/delete_alarm");
    await app.evict();
  }
});

describe("two shards", () => {
  let app: MetricsApp;
  before(async () => {
    app = await startMetricsApp();
  });
  after(() => app.worker.close());

  test("each frame goes to the shard of its producer, and only the shard that fails is retried", async () => {
    const [even, odd] = [newProducer(0), newProducer(1)];
    const frames = [
      even.count(orders, 1, Date.now()),
      odd.count(orders, 10, Date.now()),
      even.count(orders, 100, Date.now()),
    ];
    const messages = frames.map((frame) => ({ frame: base64(frame) }));
    await app.ask("/break", { object: "isotel-1", fault: "after" });
    const { explicitAcks, retryMessages } = await app.ask<QueueResult>(
      "/queue",
      { shards: 2 },
      messages,
    );
    assert.deepEqual(explicitAcks, ["0", "2"]);
    assert.deepEqual(
      retryMessages.map(({ msgId }) => msgId),
      ["1"],
    );
    await app.ask("/queue", { shards: 2 }, messages);
    assert.equal((await app.totals({ shards: 1 })).get(total), 101);
    const both = await app.totals({ shards: 2 });
    assert.equal(both.get(total), 111);
    assert.equal(both.get("isotel_frames_applied_total"), 3);
    assert.equal(both.get("isotel_frames_duplicate_total"), 3);
  });

  test("a frame of a newer format goes to the aggregator of its producer, and to no other", async () => {
    // Of the first shard alone, and of both.
    const newerIn = async (shards: number) =>
      (await app.totals({ shards })).get("isotel_frames_newer_total") ?? 0;
    const [first, both] = [await newerIn(1), await newerIn(2)];
    const newer = newProducer(1).count(orders, 1, Date.now()).with(3, 9);
    await app.ask("/queue", { shards: 2 }, [{ frame: base64(newer) }]);
    assert.equal(await newerIn(1), first);
    assert.equal(await newerIn(2), both + 1);
  });

  test("messages that were given up are added when their dead letter queue is consumed", async () => {
    const before = (await app.totals({ shards: 2 })).get(total) ?? 0;
    await app.ask("/break", { object: "isotel-0", fault: "before" });
    await app.ask("/send", { hasty: 1 }, [base64(newProducer().count(orders, 7, Date.now()))]);
    await eventually(async () => {
      assert.equal((await app.totals({ shards: 2 })).get(total), before + 7);
    });
  });

  test("through a real queue, with a failure in between", { timeout: 40_000 }, async () => {
    const before = (await app.totals({ shards: 2 })).get(total) ?? 0;
    await app.ask("/break", { object: "isotel-0", fault: "after" });
    const frames = [0, 1, 0, 1].map((shard) => newProducer(shard).count(orders, 1, Date.now()));
    await app.ask("/send", {}, frames.map(base64));
    await eventually(async () => {
      const now = await app.totals({ shards: 2 });
      assert.equal(now.get(total), before + 4);
      assert.equal(now.get("isotel_frames_duplicate_total"), 5, "the retry came too");
    }, 20_000);
  });
});
