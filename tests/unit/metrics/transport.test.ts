import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ErrorCode } from "../../../bindings/core/abi.gen.ts";
import { type Frame, Outbox } from "../../../bindings/metrics/outbox.ts";
import { shardName, shardNames, shardOf } from "../../../bindings/metrics/shards.ts";
import { aggregatorTransport, queueTransport } from "../../../bindings/metrics/transport.ts";
import { bytesOfBodies, NamespaceDouble, QueueDouble } from "../support/runtime_doubles.ts";
import { detach, shapeOf } from "../support/runtime_operations.ts";

/** A frame of a producer as far as a transport looks at it. */
function frame(producer: number, size = 100): Frame {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(4, producer, true);
  return bytes;
}

describe("frames by a queue", () => {
  test("are one message each, in batches the queue takes", async () => {
    const double = new QueueDouble();
    const small = Array.from({ length: 150 }, (_, at) => frame(at));
    const large = Array.from({ length: 5 }, (_, at) => frame(at, 120_000));
    const frames = [...small, ...large];
    const shapes = frames.map(shapeOf);
    const delivered: Frame[] = [];
    await queueTransport(double.queue).send(frames, (one) => void delivered.push(one));
    assert.deepEqual(
      double.calls.map(({ length }) => length),
      [100, 52, 2, 1],
    );
    assert.ok(delivered.every((one, at) => one === frames[at]));
    assert.deepEqual(bytesOfBodies(double.received).map(shapeOf), shapes);
    assert.deepEqual(frames.map(shapeOf), shapes);
  });

  test("that a batch failed with, and those after it, are not delivered", async () => {
    const double = new QueueDouble();
    double.fate = () => (double.calls.length === 2 ? "refused" : "sent");
    const frames = Array.from({ length: 250 }, () => frame(1));
    let delivered = 0;
    await assert.rejects(
      queueTransport(double.queue).send(frames, () => {
        delivered += 1;
      }),
      /no queue/,
    );
    assert.equal(delivered, 100);
    assert.equal(double.calls.length, 2);
  });

  for (const count of [1, 3]) {
    test(`keep their bytes when a send of ${count} fails: the next one carries them`, async () => {
      const double = new QueueDouble();
      const frames = Array.from({ length: count }, (_, at) => frame(at + 1));
      const { send } = queueTransport(double.queue);
      for (const fate of ["refused", "unanswered"] as const) {
        double.fate = () => fate;
        await assert.rejects(send(frames, () => assert.fail("nothing is known to have arrived")));
      }
      double.fate = () => "sent";
      await send(frames, () => {});
      assert.deepEqual(bytesOfBodies(double.received), [...frames, ...frames]);
      assert.deepEqual(
        frames.map(({ length }) => length),
        frames.map(() => 100),
      );
    });
  }
});

/** Aggregators that all answer alike, and the frames of each call by their names. */
function aggregators(answerOf: (frames: Frame[]) => unknown) {
  const calls: [string, number][] = [];
  const { namespace } = new NamespaceDouble((name) => ({
    apply(frames: Frame[]) {
      calls.push([name, frames.length]);
      return answerOf(frames);
    },
  }));
  return { namespace, calls };
}

describe("frames to aggregators", () => {
  test("go to that of their producer, and any other answer for a frame is final", async (t) => {
    t.mock.method(console, "error", () => {});
    const { namespace, calls } = aggregators((frames) => frames.map((_, i) => [0, 1, -12][i % 3]));
    const frames = [0, 1, 2, 5, 7, 8].map((producer) => frame(producer));
    let delivered = 0;
    await aggregatorTransport(namespace, 3).send(frames, () => {
      delivered += 1;
    });
    assert.deepEqual(calls, [
      ["isotel-0", 1],
      ["isotel-1", 2],
      ["isotel-2", 3],
    ]);
    assert.equal(delivered, 6);
  });

  test("of a newer format are not delivered, and hold back no others of their call", async () => {
    const { namespace } = aggregators((frames) =>
      frames.map((_, i) => (i % 2 === 0 ? ErrorCode.unknownVersion : 0)),
    );
    const frames = [1, 1, 2, 2, 1].map((producer) => frame(producer));
    const delivered: Frame[] = [];
    await assert.rejects(
      aggregatorTransport(namespace, 1).send(frames, (one) => void delivered.push(one)),
      /^Error: isotel: the Worker of the aggregator runs an older version of isotel/,
    );
    assert.deepEqual(delivered, [frames[1], frames[3]]);
  });

  test("of an aggregator that fails hold back none of another", async () => {
    const frames0 = [frame(0), frame(0)];
    const frames1 = [frame(1), frame(1)];
    const { namespace } = aggregators((frames) => {
      if (shapeOf(frames[0]) === shapeOf(frames0[0])) throw new Error("broken");
      return frames.map(() => 0);
    });
    const delivered: Frame[] = [];
    const sending = aggregatorTransport(namespace, 2).send(
      [...frames0, ...frames1],
      (one) => void delivered.push(one),
    );
    await assert.rejects(sending, /broken/);
    assert.deepEqual(delivered, frames1);
  });

  test("are not delivered where an answer is missing, or is none", async () => {
    for (const answer of [undefined, null, 0, [], [0, 0, 0], [0, undefined], [0, "0"], "00"]) {
      const { namespace } = aggregators(() => answer);
      await assert.rejects(
        aggregatorTransport(namespace, 1).send([frame(1), frame(2)], () => assert.fail()),
        TypeError,
      );
    }
  });

  test("are at most fifty and four megabytes in a call", async () => {
    const { namespace, calls } = aggregators((frames) => frames.map(() => 0));
    const small = Array.from({ length: 120 }, () => frame(1));
    const large = Array.from({ length: 40 }, () => frame(1, 120_000));
    await aggregatorTransport(namespace, 1).send([...small, ...large], () => {});
    assert.deepEqual(
      calls.map(([, count]) => count),
      [50, 50, 50, 10],
    );
  });

  test("keep their bytes, whatever an aggregator does with those it is given", async () => {
    const { namespace } = aggregators((frames) => {
      for (const { buffer } of frames) detach(buffer);
      throw new RangeError("no room");
    });
    const frames = [frame(1), frame(2)];
    await assert.rejects(
      aggregatorTransport(namespace, 1).send(frames, () => assert.fail()),
      RangeError,
    );
    assert.deepEqual(frames, [frame(1), frame(2)]);
  });
});

describe("the outbox", () => {
  test("is as full as the frames in it were when they came in", () => {
    const outbox = new Outbox();
    for (let i = 0; i < 100; i += 1) {
      const frames = Array.from({ length: 12 }, () => frame(i, 100_000));
      outbox.add(frames);
      assert.equal(outbox.isFull, true);
      for (const one of frames) {
        if (i % 2 === 0) detach(one.buffer);
        outbox.remove(one);
        outbox.remove(one);
      }
      assert.equal(outbox.isFull, false);
      assert.equal(outbox.size, 0);
    }
    // Half of the limit leaves room: nothing was counted too low either.
    outbox.add(Array.from({ length: 5 }, () => frame(1, 100_000)));
    assert.equal(outbox.isFull, false);
    outbox.add(Array.from({ length: 6 }, () => frame(1, 100_000)));
    assert.equal(outbox.isFull, true);
  });
});

describe("a shard", () => {
  test("is the first four bytes of the producer, as a little-endian number, modulo the shards", () => {
    const id = new Uint8Array(16);
    id.set([0x01, 0x00, 0x00, 0x80, 0xff]);
    assert.equal(shardOf(id, 7), 0x80000001 % 7);
    assert.equal(shardOf(new Uint8Array([9, 9, ...id]).subarray(2), 7), 0x80000001 % 7);
  });

  test("keeps its name when there are more of them", () => {
    for (const shards of [1, 4, 256]) {
      assert.equal(shardNames(shards)[0], shardName(0));
      assert.equal(new Set(shardNames(shards)).size, shards);
    }
  });
});
