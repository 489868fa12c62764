import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isAuthorized, wantsGzip } from "../../../bindings/aggregate/metrics_response.ts";
import {
  publishError,
  publishSnapshot,
  readPublished,
} from "../../../bindings/aggregate/snapshots.ts";
import { shardNames } from "../../../bindings/metrics/shards.ts";
import { KvDouble } from "../support/runtime_doubles.ts";

describe("Accept-Encoding", () => {
  for (const [header, gzip] of [
    [null, false],
    ["", false],
    ["gzip", true],
    ["deflate, gzip;q=1.0, *;q=0.5", true],
    ["x-gzip", true],
    [" GZip ; Q=0.1 ", true],
    ["gzip;q=0", false],
    ["gzip;q=0.000", false],
    ["gzip;q=nonsense", false],
    ["*", true],
    ["*;q=0", false],
    ["gzip;q=0, *;q=1", false],
    ["identity", false],
    ["identity;q=0.5, gzip;q=0.4", false],
    ["identity;q=0, gzip;q=0.1", true],
    ["br, zstd", false],
    [",,;q=1,", false],
  ] as const) {
    test(`${JSON.stringify(header)} ${gzip ? "prefers gzip" : "does not prefer gzip"}`, () => {
      assert.equal(wantsGzip(header), gzip);
    });
  }
});

describe("Authorization", () => {
  for (const [header, is] of [
    ["Bearer secret", true],
    ["BEARER   secret ", true],
    ["Bearer Secret", false],
    ["Bearer secret secret", false],
    ["Bearersecret", false],
    ["secret", false],
    ["Basic secret", false],
    ["", false],
    [null, false],
  ] as const) {
    test(`${JSON.stringify(header)} ${is ? "is" : "is not"} the token`, async () => {
      assert.equal(await isAuthorized(header, "Bearer", "secret"), is);
    });
  }

  test("an empty header is no empty token", async () => {
    assert.equal(await isAuthorized(null, "Bearer", ""), false);
    assert.equal(await isAuthorized("Bearer ", "Bearer", ""), false);
  });

  test("a token may hold any text", async () => {
    assert.equal(await isAuthorized("Bearer a b=c/ü", "Bearer", "a b=c/ü"), true);
  });
});

describe("shards", () => {
  test("their names do not depend on their number", () => {
    assert.deepEqual(shardNames(1), shardNames(3).slice(0, 1));
    assert.equal(new Set(shardNames(256)).size, 256);
  });

  test("their number is a whole one from 1 to 256", () => {
    for (const shards of [0, -1, 1.5, Number.NaN, 257, Number.POSITIVE_INFINITY]) {
      assert.throws(() => shardNames(shards), RangeError);
    }
  });
});

describe("a published snapshot", () => {
  const shard = "isotel-0";

  test("is what the bytes were when it was published, for each reader its own", async () => {
    const { kv } = new KvDouble();
    const bytes = Uint8Array.of(1, 2, 3);
    const publishing = publishSnapshot(kv, shard, bytes, 1);
    bytes.fill(9);
    await publishing;
    const first = await readPublished(kv, shard);
    assert.deepEqual(first, { bytes: Uint8Array.of(1, 2, 3), error: undefined });
    first.bytes?.fill(9);
    assert.deepEqual((await readPublished(kv, shard)).bytes, Uint8Array.of(1, 2, 3));
    assert.equal((await readPublished(kv, "isotel-1")).bytes, undefined);
  });

  test("stays beside the error that says why no newer one comes, and without one there is only the error", async () => {
    const { kv } = new KvDouble();
    await publishSnapshot(kv, shard, Uint8Array.of(1), 7);
    for (const name of [shard, "isotel-1"]) await publishError(kv, name, "isotel: unreadable");
    assert.deepEqual(await readPublished(kv, shard), {
      bytes: Uint8Array.of(1),
      error: "isotel: unreadable",
    });
    assert.deepEqual(await readPublished(kv, "isotel-1"), {
      bytes: undefined,
      error: "isotel: unreadable",
    });
    const { metadata } = await kv.getWithMetadata("isotel/snapshot/isotel-0", "arrayBuffer");
    assert.deepEqual(metadata, { version: 7, error: "isotel: unreadable" });
  });
});
