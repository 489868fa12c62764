import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Aggregate } from "../../../bindings/aggregate/totals/aggregate.ts";
import { createAggregate, isolateAggregate } from "../../../bindings/aggregate/totals/aggregate.ts";
import { ChunkStore } from "../../../bindings/aggregate/totals/chunk_store.ts";
import {
  StoredTotals,
  UnreadableTotalsError,
} from "../../../bindings/aggregate/totals/stored_totals.ts";
import { ErrorCode } from "../../../bindings/core/abi.gen.ts";
import { Producer } from "../../wasm/support/producer.ts";
import { MemoryStorage } from "../support/runtime_doubles.ts";

const orders = { name: "orders" };

/** The totals of one life of an object. */
const life = (memory: MemoryStorage, create: () => Aggregate = createAggregate) =>
  new StoredTotals(memory.storage, create);

function countOf(totals: StoredTotals): number {
  const aggregate = isolateAggregate();
  aggregate.merge([totals.snapshot(5000)]);
  const text = new TextDecoder().decode(aggregate.render({ format: 0, escaping: 0 }, 0, 5000));
  return Number(/^orders_total (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe("stored totals", () => {
  test("each life goes on from what the one before has stored", () => {
    const memory = new MemoryStorage();
    const producer = new Producer(1);
    const frames = [1, 10, 100].map((value) => producer.count(orders, value));
    for (const frame of frames) assert.deepEqual(life(memory).apply([frame, frame], 3000), [0, 1]);
    assert.deepEqual(life(memory).apply(frames, 3000), [1, 1, 1]);
    assert.equal(countOf(life(memory)), 111);
  });

  test("frames of one call are stored in one transaction, and nothing is stored where nothing changed", () => {
    const memory = new MemoryStorage();
    const totals = life(memory);
    totals.apply([new Producer(1).count(orders, 1), new Producer(2).count(orders, 2)], 3000);
    assert.equal(memory.transactions, 1);
    assert.equal(totals.prune(3000), false);
    assert.equal(memory.transactions, 1);
    totals.snapshot(3000);
    assert.equal(memory.transactions, 2, "the version of a snapshot is stored");
  });

  test("after a transaction that failed nothing of it is left, neither stored nor in memory", () => {
    const memory = new MemoryStorage();
    const totals = life(memory);
    const producer = new Producer(1);
    totals.apply([producer.count(orders, 1)], 3000);
    const frame = producer.count(orders, 10);
    memory.failure = new Error("disk");
    assert.throws(() => totals.apply([frame], 3000), /disk/);
    assert.equal(countOf(totals), 1);
    assert.deepEqual(totals.apply([frame], 3000), [0]);
    assert.equal(countOf(totals), 11);
    assert.equal(countOf(life(memory)), 11);
  });

  test("after a trap the totals are loaded anew", () => {
    const memory = new MemoryStorage();
    const made: Aggregate[] = [];
    const totals = life(memory, () => {
      const aggregate = createAggregate();
      made.push(aggregate);
      return aggregate;
    });
    const producer = new Producer(1);
    totals.apply([producer.count(orders, 1)], 3000);
    const frame = producer.count(orders, 10);
    const trapping = (): number => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    Object.defineProperty(made[0], "apply", { value: trapping });
    assert.throws(() => totals.apply([frame], 3000), WebAssembly.RuntimeError);
    assert.deepEqual(totals.apply([frame], 3000), [0]);
    assert.equal(made.length, 2);
    assert.equal(countOf(totals), 11);
  });

  test("what is not bytes is refused like bytes that are no frame, and takes nothing with it", () => {
    const frame = new Producer(1).count(orders, 1);
    const results = life(new MemoryStorage()).apply([null, "text", {}, frame], 3000);
    assert.deepEqual(results, [ErrorCode.corrupt, ErrorCode.corrupt, ErrorCode.corrupt, 0]);
  });

  test("totals that cannot be read make every call throw and stay as they are", () => {
    const memory = new MemoryStorage();
    life(memory).apply([new Producer(1).count(orders, 1)], 3000);
    const rows = () => memory.database.prepare("SELECT id, hex(bytes) FROM isotel_chunks").all();
    const sound = memory.database.prepare("SELECT id, bytes FROM isotel_chunks").all();
    for (const { id } of sound) {
      memory.database
        .prepare("UPDATE isotel_chunks SET bytes = x'00' WHERE id = ?")
        .run(Number(id));
      const damaged = rows();
      const totals = life(memory);
      const frame = new Producer(2).count(orders, 1);
      for (let call = 0; call < 2; call += 1) {
        assert.throws(() => totals.apply([frame], 3000), UnreadableTotalsError);
        assert.throws(() => totals.prune(3000), UnreadableTotalsError);
        assert.throws(() => totals.snapshot(3000), UnreadableTotalsError);
        assert.throws(() => totals.nextPrune(), UnreadableTotalsError);
      }
      assert.deepEqual(rows(), damaged);
      for (const row of sound) {
        const restore = memory.database.prepare("UPDATE isotel_chunks SET bytes = ? WHERE id = ?");
        restore.run(row["bytes"] as Uint8Array, Number(row["id"]));
      }
    }
    assert.equal(countOf(life(memory)), 1);
  });
});

describe("archived producers", () => {
  const options = { producerRetentionMs: 100_000, gaugeExpiryMs: 1000 };
  const short = (memory: MemoryStorage) => life(memory, () => createAggregate(options));
  const ids = (memory: MemoryStorage): string[] => {
    const rows = memory.database.prepare("SELECT hex(id) AS id FROM isotel_producers").all();
    return rows.map(({ id }) => String(id));
  };
  const remembered = (totals: StoredTotals): number => {
    const aggregate = isolateAggregate();
    aggregate.merge([totals.snapshot(5000)]);
    const text = new TextDecoder().decode(aggregate.render({ format: 0, escaping: 0 }, 0, 5000));
    return Number(/^isotel_producers (\d+)$/m.exec(text)?.[1]);
  };

  test("an idle producer is a row until its next frame, and a repeated one counts once in every life", () => {
    const memory = new MemoryStorage();
    const producer = new Producer(1);
    const first = producer.count(orders, 1);
    const second = producer.count(orders, 10);
    assert.deepEqual(short(memory).apply([first], 3000), [0]);
    assert.equal(short(memory).nextPrune(), 5001);
    assert.equal(short(memory).prune(5000), false);
    assert.deepEqual(ids(memory), []);
    assert.equal(short(memory).prune(5001), false, "there is nothing new to publish");
    assert.equal(ids(memory).length, 1);
    assert.equal(short(memory).nextPrune(), 103_001);
    assert.equal(remembered(short(memory)), 1);
    const chunks = memory.database.prepare("SELECT id FROM isotel_chunks").all();
    assert.ok(
      chunks.every(({ id }) => Number(id) < (3 << 24) * 16),
      "its place is free",
    );
    assert.deepEqual(short(memory).apply([first, second, first], 6000), [1, 0, 1]);
    assert.equal(ids(memory).length, 1, "it is replaced later");
    assert.equal(remembered(short(memory)), 1);
    assert.equal(countOf(short(memory)), 11);
  });

  test("all producers of a call are found, however many they are", () => {
    const memory = new MemoryStorage();
    const frames = Array.from({ length: 250 }, (_, index) => new Producer(index).count(orders, 1));
    const totals = short(memory);
    totals.apply(frames, 3000);
    for (let time = 0; ids(memory).length < frames.length; time += 1) {
      assert.ok(time < 5);
      totals.prune(10_000);
    }
    assert.deepEqual(new Set(totals.apply([...frames, ...frames], 10_000)), new Set([1]));
    assert.equal(countOf(totals), 250);
    assert.equal(remembered(totals), 250);
    for (let time = 0; time < 5; time += 1) totals.prune(20_000);
    assert.equal(ids(memory).length, 250);
    assert.deepEqual(new Set(short(memory).apply(frames, 20_000)), new Set([1]));
  });

  test("what a transaction that failed has archived or brought back is where it was before", () => {
    const memory = new MemoryStorage();
    const producer = new Producer(1);
    const first = producer.count(orders, 1);
    const totals = short(memory);
    totals.apply([first], 3000);
    memory.failure = new Error("disk");
    assert.throws(() => totals.prune(6000), /disk/);
    assert.deepEqual(ids(memory), []);
    assert.deepEqual(totals.apply([first], 6000), [1]);
    totals.prune(6000);
    assert.equal(ids(memory).length, 1);
    const second = producer.count(orders, 10);
    memory.failure = new Error("disk");
    assert.throws(() => totals.apply([first, second], 6000), /disk/);
    assert.equal(ids(memory).length, 1);
    assert.deepEqual(totals.apply([first, second], 6000), [1, 0]);
    assert.equal(countOf(short(memory)), 11);
    assert.equal(remembered(short(memory)), 1);
  });

  test("rows are forgotten after the retention, some at a time, those first that were idle longest", () => {
    const memory = new MemoryStorage();
    const totals = short(memory);
    const frames = Array.from({ length: 700 }, (_, index) => new Producer(index).count(orders, 1));
    totals.apply(frames.slice(0, 600), 3000);
    totals.apply(frames.slice(600), 4000);
    for (let time = 0; ids(memory).length < frames.length; time += 1) {
      assert.ok(time < 10);
      totals.prune(10_000);
    }
    assert.equal(totals.nextPrune(), 103_001);
    assert.equal(totals.prune(103_000), false);
    const counts = [0, 1, 2, 3].map((time) => {
      assert.equal(totals.prune(103_001), time < 3);
      return frames.length - ids(memory).length;
    });
    assert.deepEqual(counts, [256, 512, 600, 600]);
    assert.equal(totals.nextPrune(), 104_001);
    assert.equal(remembered(totals), 100);
    // A row that is still there is as good as forgotten.
    assert.deepEqual(totals.apply([frames[699], frames[0]], 104_001), [
      ErrorCode.tooOld,
      ErrorCode.tooOld,
    ]);
    assert.equal(totals.prune(104_001), true);
    assert.equal(remembered(totals), 0);
    assert.equal(totals.nextPrune(), undefined);
    assert.equal(countOf(totals), 700);
  });

  /** Archives a producer that has sent 1, and returns its next frames. */
  const archived = (memory: MemoryStorage) => {
    const producer = new Producer(1);
    const first = producer.count(orders, 1, 3000);
    const totals = short(memory);
    totals.apply([first], 3000);
    totals.prune(6000);
    const late = producer.count(orders, 10, 3000);
    return { totals, first, late, after: producer.count(orders, 100, 3001) };
  };
  const damage = (memory: MemoryStorage, bytes: Uint8Array) =>
    memory.database.prepare("UPDATE isotel_producers SET record = ?").run(bytes);

  test("a damaged row has frames refused that may have been added, is counted once and holds nothing else up", (t) => {
    const memory = new MemoryStorage();
    const { first, late, after } = archived(memory);
    damage(memory, new Uint8Array(40));
    const { mock } = t.mock.method(console, "error", () => {});
    const other = new Producer(2).count(orders, 1000, 3000);
    const { recordDamaged } = ErrorCode;
    memory.failure = new Error("disk");
    assert.throws(() => short(memory).apply([first], 6000), /disk/);
    assert.equal(mock.callCount(), 0, "nothing of it is stored");
    const results = short(memory).apply([first, late, other], 6000);
    assert.deepEqual(results, [recordDamaged, recordDamaged, 0]);
    assert.deepEqual(short(memory).apply([first], 6000), [recordDamaged]);
    assert.deepEqual(
      mock.calls.map(({ arguments: [line] }) => line),
      [
        "isotel: the stored records of producers are damaged (1). Frames that may have been added before are " +
          "refused and counted in isotel_frames_rejected_total; later frames of these isolates are added.",
      ],
    );
    assert.deepEqual(short(memory).apply([after, after, first, late], 6000), [0, 1, 1, 1]);
    assert.equal(countOf(short(memory)), 1101);
    assert.equal(remembered(short(memory)), 2);
    short(memory).prune(9000);
    assert.deepEqual(short(memory).apply([first, late, after], 9000), [1, 1, 1]);
    assert.equal(mock.callCount(), 1);
    const samples = new TextDecoder().decode(
      isolateAggregate().render({ format: 0, escaping: 0 }, 0, 5000),
    );
    assert.match(samples, /^isotel_producer_records_damaged_total 1$/m);
    assert.match(samples, /^isotel_frames_rejected_total 3$/m);
  });

  test("a damaged row is forgotten after the retention, even if it is the oldest one", () => {
    const memory = new MemoryStorage();
    const { totals, first } = archived(memory);
    damage(memory, new Uint8Array(40));
    totals.apply([new Producer(2).count(orders, 1000, 4000)], 4000);
    totals.prune(7000);
    assert.equal(totals.prune(103_000), false);
    assert.equal(totals.prune(103_001), true);
    assert.equal(ids(memory).length, 1);
    assert.equal(remembered(totals), 1);
    assert.deepEqual(totals.apply([first], 103_001), [ErrorCode.tooOld]);
    assert.equal(totals.prune(104_001), true);
    assert.equal(remembered(totals), 0);
  });

  test("a row of a newer version keeps the frames of its producer waiting, and no others", () => {
    const memory = new MemoryStorage();
    const { totals, first, after } = archived(memory);
    const { record } = memory.database.prepare("SELECT record FROM isotel_producers").get() ?? {};
    const newer = Uint8Array.from(record as Uint8Array);
    newer[3] = 200;
    damage(memory, newer);
    const other = new Producer(2).count(orders, 1000, 3000);
    const { unknownVersion } = ErrorCode;
    assert.deepEqual(totals.apply([first, other, after], 6000), [
      unknownVersion,
      0,
      unknownVersion,
    ]);
    assert.equal(countOf(totals), 1001);
    damage(memory, record as Uint8Array);
    assert.deepEqual(short(memory).apply([first, other, after], 6000), [1, 1, 0]);
    assert.equal(countOf(short(memory)), 1101);
  });
});

describe("chunks in a database", () => {
  const chunk = (key: number, ...bytes: number[]) => ({ key, bytes: Uint8Array.from(bytes) });
  const storeOn = (memory: MemoryStorage, rowBytes?: number) =>
    new ChunkStore(memory.storage.sql, rowBytes);

  test("they come back ascending by key, however many rows they take", () => {
    const memory = new MemoryStorage();
    const chunks = [chunk(0, 1), chunk(1 << 24, 1, 2, 3, 4, 5), chunk((3 << 24) + 7, 9, 9)];
    storeOn(memory, 2).write(chunks.toReversed());
    assert.deepEqual([...storeOn(memory).read()], chunks);
    assert.equal(memory.database.prepare("SELECT * FROM isotel_chunks").all().length, 5);
  });

  test("one that shrinks leaves no rows behind, also when another life wrote them", () => {
    const memory = new MemoryStorage();
    const store = storeOn(memory, 2);
    store.write([chunk(1, 1, 2, 3, 4, 5), chunk(2, 7, 7)]);
    store.write([chunk(1, 6, 5, 4)]);
    assert.deepEqual([...store.read()], [chunk(1, 6, 5, 4), chunk(2, 7, 7)]);
    const later = storeOn(memory, 2);
    for (const _ of later.read()) {
      // Reading tells it how many rows each has.
    }
    later.write([chunk(1, 8)]);
    assert.deepEqual([...later.read()], [chunk(1, 8), chunk(2, 7, 7)]);
  });

  test("one that is too large for its rows is refused", () => {
    const store = storeOn(new MemoryStorage(), 2);
    assert.throws(
      () => store.write([{ key: 1, bytes: new Uint8Array(33) }]),
      /chunk 1 is too large/,
    );
  });
});
