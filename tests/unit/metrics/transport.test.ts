import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Frame } from "../../../bindings/metrics/outbox.ts";
import { shardName, shardOf } from "../../../bindings/metrics/shard.ts";
import { aggregatorTransport, queueTransport } from "../../../bindings/metrics/transport.ts";

/** A frame of a producer as far as a transport looks at it. */
function frame(producer: number, size = 100): Frame {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(4, producer, true);
  return bytes;
}

function queueDouble(failAt = Number.POSITIVE_INFINITY) {
  const calls: Frame[][] = [];
  const take = async (frames: Frame[], contentTypes: unknown[]) => {
    assert.ok(contentTypes.every((type) => type === "bytes"));
    calls.push(frames);
    if (calls.length === failAt) throw new Error("no queue");
  };
  const queue = {
    send: (body: Frame, options: QueueSendOptions) => take([body], [options.contentType]),
    sendBatch: (messages: MessageSendRequest<Frame>[]) =>
      take(
        messages.map(({ body }) => body),
        messages.map(({ contentType }) => contentType),
      ),
  };
  return { queue: queue as unknown as Queue, calls };
}

describe("frames by a queue", () => {
  test("are one message each, in batches the queue takes", async () => {
    const { queue, calls } = queueDouble();
    const small = Array.from({ length: 150 }, () => frame(1));
    const large = Array.from({ length: 5 }, () => frame(1, 120_000));
    const delivered: Frame[] = [];
    await queueTransport(queue).send([...small, ...large], (one) => void delivered.push(one));
    assert.deepEqual(
      calls.map(({ length }) => length),
      [100, 52, 2, 1],
    );
    for (const call of calls) {
      assert.ok(call.reduce((sum, { length }) => sum + length, 0) <= 256_000);
    }
    assert.deepEqual(delivered, [...small, ...large]);
  });

  test("that a batch failed with, and those after it, are not delivered", async () => {
    const { queue, calls } = queueDouble(2);
    const frames = Array.from({ length: 250 }, () => frame(1));
    let delivered = 0;
    await assert.rejects(
      queueTransport(queue).send(frames, () => {
        delivered += 1;
      }),
      /no queue/,
    );
    assert.equal(delivered, 100);
    assert.equal(calls.length, 2);
  });
});

function namespaceDouble(answerOf: (frames: Frame[]) => unknown) {
  const calls: [string, number][] = [];
  const namespace = {
    idFromName: (name: string) => ({ name }),
    get: ({ name }: { name: string }) => ({
      async apply(frames: Frame[]) {
        calls.push([name, frames.length]);
        return answerOf(frames);
      },
    }),
  };
  return { namespace: namespace as unknown as DurableObjectNamespace, calls };
}

describe("frames to aggregators", () => {
  test("go to that of their producer, and any answer for a frame is final", async () => {
    const { namespace, calls } = namespaceDouble((frames) =>
      frames.map((_, i) => [0, 1, -12][i % 3]),
    );
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

  test("are not delivered where an answer is missing, or is none", async () => {
    for (const answer of [undefined, null, 0, [], [0, 0, 0], "0"]) {
      const { namespace } = namespaceDouble(() => answer);
      await assert.rejects(
        aggregatorTransport(namespace, 1).send([frame(1), frame(2)], () => assert.fail()),
        TypeError,
      );
    }
  });

  test("are at most fifty and four megabytes in a call", async () => {
    const { namespace, calls } = namespaceDouble((frames) => frames.map(() => 0));
    const small = Array.from({ length: 120 }, () => frame(1));
    const large = Array.from({ length: 40 }, () => frame(1, 120_000));
    await aggregatorTransport(namespace, 1).send([...small, ...large], () => {});
    assert.deepEqual(
      calls.map(([, count]) => count),
      [50, 50, 50, 10],
    );
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
    assert.equal(shardName(0, 1), shardName(0, 4));
    assert.notEqual(shardName(0, 4), shardName(1, 4));
  });
});
