import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { AggregateAbi, MetricsFormat } from "../../../bindings/aggregate/totals/abi.gen.ts";
import {
  Aggregate,
  AggregationError,
  createAggregate,
  producerIdIn,
} from "../../../bindings/aggregate/totals/aggregate.ts";
import { ErrorCode } from "../../../bindings/core/abi.gen.ts";
import { compile, coreModule, root } from "../../wasm/support/module.ts";
import { Producer } from "../../wasm/support/producer.ts";
import { makeModule, withTrapIn } from "../../wasm/support/wasm_binary.ts";

const orders = { name: "orders", labels: ["plan"] };
const bytes = new Uint8Array(readFileSync(join(root, "build/wasi/aggregate.wasm")));

function emptyAggregate(module = compile(bytes)): Aggregate {
  const aggregate = new Aggregate(module);
  aggregate.load([]);
  return aggregate;
}

function textOf(aggregate: Aggregate, snapshots: readonly Uint8Array[], missing = 0): string {
  aggregate.merge(snapshots);
  const text = { format: MetricsFormat.text, escaping: AggregateAbi.escapingUnderscores };
  return new TextDecoder().decode(aggregate.render(text, missing, 5000));
}

function hasCode(code: number): (cause: unknown) => boolean {
  return (cause) => cause instanceof AggregationError && cause.code === code;
}

/** The only one of these records, as it is stored at 2000. */
function stored([record]: readonly Uint8Array[]) {
  assert.ok(record !== undefined);
  return { id: producerIdIn(record), seenUnixMs: 2000, record };
}

describe("the aggregation module", () => {
  test("frames become totals, totals a snapshot, and snapshots an exposition", () => {
    const producer = new Producer(1);
    const first = producer.count(orders, 3, 2000, ["pro"]);
    const second = producer.count(orders, 4, 3000, ["pro"]);
    const aggregate = emptyAggregate();
    assert.equal(aggregate.apply(second, 3000), AggregateAbi.applied);
    assert.equal(aggregate.apply(first, 3000), AggregateAbi.applied);
    assert.equal(aggregate.apply(second, 3000), AggregateAbi.duplicate);
    const snapshot = aggregate.snapshot(4000);
    assert.deepEqual(aggregate.peek(snapshot), { version: 1, unixMs: 4000 });
    const text = textOf(aggregate, [snapshot]);
    assert.match(text, /^orders_total\{plan="pro"\} 7$/m);
    assert.match(text, /^isotel_frames_duplicate_total 1$/m);
    assert.match(text, /^isotel_snapshot_age_seconds 1$/m);
    // Each merge begins anew.
    assert.match(textOf(aggregate, [snapshot, snapshot]), /^orders_total\{plan="pro"\} 14$/m);
    assert.match(textOf(aggregate, [], 3), /^isotel_snapshots_missing 3$/m);
  });

  test("totals go on from their chunks, of which only the changed ones are given", () => {
    const producer = new Producer(1);
    const aggregate = emptyAggregate();
    aggregate.apply(producer.count(orders, 3, 2000, ["pro"]), 2000);
    const { chunks } = aggregate.changes();
    assert.deepEqual(
      chunks.map(({ key }) => key),
      [0, 1 << 24, 2 << 24, 3 << 24],
    );
    assert.deepEqual(aggregate.changes().chunks, []);
    aggregate.snapshot(3000);
    const [head, ...more] = aggregate.changes().chunks;
    assert.deepEqual([head?.key, more], [0, []]);

    const later = createAggregate();
    later.load([head ?? assert.fail(), ...chunks.slice(1)]);
    later.apply(producer.count(orders, 4, 4000, ["pro"]), 4000);
    const snapshot = later.snapshot(4000);
    assert.equal(later.peek(snapshot).version, 2);
    assert.match(textOf(later, [snapshot]), /^orders_total\{plan="pro"\} 7$/m);
  });

  test("chunks that are cut, of another version or incomplete are refused, with the reason", () => {
    const aggregate = emptyAggregate();
    aggregate.apply(new Producer(1).count(orders, 3, 2000, ["pro"]), 2000);
    const { chunks } = aggregate.changes();
    const [head, ...rest] = chunks;
    if (head === undefined) assert.fail();
    const cut = { key: 0, bytes: head.bytes.subarray(1) };
    assert.throws(() => createAggregate().load([cut, ...rest]), hasCode(ErrorCode.corrupt));
    const newer = { key: 0, bytes: head.bytes.slice() };
    newer.bytes[3] = 9;
    const unknown = hasCode(ErrorCode.unknownVersion);
    assert.throws(() => createAggregate().load([newer, ...rest]), unknown);
    assert.throws(() => createAggregate().load(chunks.slice(0, -1)), hasCode(ErrorCode.corrupt));
  });

  test("what is no frame, no snapshot or far too long is an error, and counted where it is applied", () => {
    const aggregate = emptyAggregate();
    const huge = new Uint8Array(20_000_000);
    for (const frame of [new Uint8Array(), new Uint8Array(100)]) {
      assert.equal(aggregate.apply(frame, 1000), ErrorCode.corrupt);
      assert.equal(aggregate.shardOfFrame(frame, 4), ErrorCode.corrupt);
      assert.throws(() => aggregate.merge([frame]), hasCode(ErrorCode.corrupt));
      assert.throws(() => aggregate.peek(frame), hasCode(ErrorCode.corrupt));
    }
    assert.equal(aggregate.apply(huge, 1000), ErrorCode.tooLarge);
    assert.throws(() => aggregate.merge([huge]), hasCode(ErrorCode.tooLarge));
    const text = textOf(aggregate, [aggregate.snapshot(1000)]);
    assert.match(text, /^isotel_frames_rejected_total 3$/m);
  });

  test("the shard of a frame goes by the first four bytes of its producer", () => {
    const aggregate = emptyAggregate();
    for (const number of [0, 1, 5, 0xffffffff]) {
      const frame = new Producer(number).count(orders, 1, 2000, ["pro"]);
      assert.equal(aggregate.shardOfFrame(frame, 3), number % 3);
    }
  });

  test("it tells when there is something to archive or to forget", () => {
    const aggregate = createAggregate({ producerRetentionMs: 1000, gaugeExpiryMs: 100 });
    aggregate.load([]);
    const none = Number.POSITIVE_INFINITY;
    assert.equal(aggregate.nextPrune(none), undefined);
    const frame = new Producer(1).count(orders, 1, 2000, ["pro"]);
    aggregate.apply(frame, 2000);
    // Twice the expiry of gauges.
    assert.equal(aggregate.nextPrune(none), 2201);
    aggregate.changes();
    assert.equal(aggregate.prune(2200), false);
    assert.deepEqual(aggregate.changes().chunks, []);
    assert.equal(aggregate.prune(2201), false, "no snapshot changes");
    const { chunks, removed, archived } = aggregate.changes();
    assert.deepEqual(
      chunks.map(({ key, bytes }) => [key, bytes.length > 0]),
      [
        [0, true],
        [3 << 24, false],
      ],
    );
    assert.deepEqual([removed.length, archived.length], [0, 1]);
    assert.deepEqual(producerIdIn(archived[0] ?? assert.fail()), producerIdIn(frame));
    assert.equal(aggregate.nextPrune(2000), 3001);
    assert.equal(aggregate.expire(stored(archived), 3000), false);
    assert.deepEqual(aggregate.changes().removed, []);
    assert.equal(aggregate.expire(stored(archived), 3001), true);
    assert.deepEqual(aggregate.changes().removed, [producerIdIn(frame)]);
    assert.equal(aggregate.nextPrune(none), undefined);
  });

  test("only producers that are not in memory are missing, and none while none is archived", () => {
    const aggregate = createAggregate({ producerRetentionMs: 1e9, gaugeExpiryMs: 100 });
    aggregate.load([]);
    const count = (producer: number) => new Producer(producer).count(orders, 1, 2000, ["pro"]);
    const [first, second] = [count(1), count(2)];
    const frames = [first, second];
    assert.deepEqual(aggregate.missing(frames), []);
    aggregate.apply(first, 2000);
    aggregate.prune(3000);
    const producer = stored(aggregate.changes().archived);
    aggregate.apply(second, 3000);
    // Bytes that are too short for a producer are left out.
    assert.deepEqual(aggregate.missing([...frames, new Uint8Array(19)]), [producerIdIn(first)]);
    for (let time = 0; time < 2; time += 1) assert.equal(aggregate.restore(producer), false);
    assert.deepEqual(aggregate.missing(frames), []);
    assert.deepEqual(
      frames.map((frame) => aggregate.apply(frame, 3000)),
      [1, 1],
    );
    assert.deepEqual(aggregate.changes().removed, [], "the record is replaced later");
  });

  test("a damaged record has frames refused that may have been added", () => {
    const { recordDamaged, unknownVersion } = ErrorCode;
    for (const [change, isDamaged, code] of [
      [(record: Uint8Array) => record.subarray(1), true, recordDamaged],
      [(record: Uint8Array) => record.with(8, 99), true, recordDamaged],
      [() => new Uint8Array(), false, recordDamaged],
      [(record: Uint8Array) => record.with(3, 9), false, unknownVersion],
    ] as const) {
      const aggregate = createAggregate({ producerRetentionMs: 1e9, gaugeExpiryMs: 100 });
      aggregate.load([]);
      const producer = new Producer(1);
      const frame = producer.count(orders, 1, 2000, ["pro"]);
      aggregate.apply(frame, 2000);
      aggregate.prune(3000);
      const archived = stored(aggregate.changes().archived);
      const damaged = { ...archived, record: change(archived.record) };
      assert.equal(aggregate.restore(damaged), isDamaged);
      assert.equal(aggregate.apply(frame, 3000), code);
      const later = aggregate.apply(producer.count(orders, 1, 2001, ["pro"]), 3000);
      assert.equal(later, code === recordDamaged ? AggregateAbi.applied : code);
      assert.equal(aggregate.apply(new Producer(2).count(orders, 1, 2000, ["pro"]), 3000), 0);
    }
  });

  test("a module of another build is refused", () => {
    assert.throws(() => new Aggregate(coreModule), /aggregate.wasm lacks isotel_aggregate_/);
    assert.throws(() => new Aggregate(makeModule({ functions: {} })), /aggregate.wasm lacks/);
  });

  test("a trap makes the call throw, and all later ones: the instance is dead", () => {
    const aggregate = emptyAggregate(compile(withTrapIn(bytes, "isotel_aggregate_totals_apply")));
    assert.equal(aggregate.isAlive, true);
    const trap = (cause: unknown) =>
      cause instanceof AggregationError &&
      cause.code === undefined &&
      cause.cause instanceof WebAssembly.RuntimeError;
    assert.throws(() => aggregate.apply(new Uint8Array(4), 1000), trap);
    assert.equal(aggregate.isAlive, false);
    assert.throws(() => aggregate.snapshot(1000), /aggregate\.wasm has trapped before/);
  });

  test("10,000 rounds after 10,000 others take no more memory", () => {
    const aggregate = emptyAggregate();
    const producer = new Producer(1);
    const rounds = (count: number) => {
      for (let round = 0; round < count; round += 1) {
        aggregate.apply(producer.count(orders, 1, 2000 + round, ["pro"]), 2000 + round);
        aggregate.changes();
        textOf(aggregate, [aggregate.snapshot(2000 + round)]);
      }
      return aggregate.memoryBytes;
    };
    assert.equal(rounds(10_000), rounds(10_000));
  });
});
