import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type PlainWorkers, startPlainWorkers } from "./harness/plain_workerd.ts";

// The table of docs/architecture.md, "Bytes that are handed over".
const copiesView = [
  "queue.sendBatch as bytes",
  "KV.put",
  "cache.put",
  "fetch",
  "new Request",
  "new Response",
  "new Blob",
  "IdentityTransformStream",
  "CompressionStream",
  "WebSocket.send",
  "sql.exec",
];
const copiesBuffer = [
  "queue.send as v8",
  "queue.sendBatch as v8",
  "argument of a service",
  "argument of a Durable Object",
  "structuredClone",
  "storage.put",
  "storage.kv.put",
];
const detaches = ["queue.send as bytes", "byte stream"];
const readsLater = ["ReadableStream", "TransformStream"];

describe("what workerd does with bytes that it is handed", () => {
  let workers: PlainWorkers;
  let outcomes: Readonly<Record<string, { script: string; wasm: string }>>;
  const ask = async (path: string) => {
    const response = await workers.fetchFrom("shop", path);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text);
  };
  before(async () => {
    const app = "tests/workerd/apps/handed_over";
    workers = await startPlainWorkers([
      {
        name: "shop",
        main: `${app}/index.ts`,
        services: { KEEPER: "keeper" },
        queues: { QUEUE: { queue: "telemetry" } },
        kvNamespaces: { KV: "keeper" },
        durableObjects: { STORE: "Store" },
        cache: "keeper",
      },
      { name: "keeper", main: `${app}/keeper.ts`, consumes: { telemetry: { maxBatchTimeout: 0 } } },
    ]);
    outcomes = await ask("/");
  });
  after(() => workers.close());

  const outcomesOf = (names: readonly string[], memory: "script" | "wasm") =>
    Object.fromEntries(names.map((name) => [name, outcomes[name]?.[memory]]));
  const allAre = (names: readonly string[], outcome: string) =>
    Object.fromEntries(names.map((name) => [name, outcome]));

  test("every way is in one list", () => {
    const listed = [...copiesView, ...copiesBuffer, ...detaches, ...readsLater];
    assert.deepEqual(Object.keys(outcomes).sort(), listed.sort());
  });

  for (const memory of ["script", "wasm"] as const) {
    test(`a copy of the view is taken at the call (${memory})`, () => {
      const expected = allAre(copiesView, "keeps, copies, the view");
      assert.deepEqual(outcomesOf(copiesView, memory), expected);
    });

    test(`a copy of all of the buffer is taken at the call (${memory})`, () => {
      const expected = allAre(copiesBuffer, "keeps, copies, all of the buffer");
      assert.deepEqual(outcomesOf(copiesBuffer, memory), expected);
    });
  }

  test("the buffer is detached at the call", () => {
    assert.deepEqual(
      outcomesOf(detaches, "script"),
      allAre(detaches, "detaches, copies, the view"),
    );
  });

  test("the bytes are read when a stream is read", () => {
    assert.deepEqual(
      outcomesOf(readsLater, "script"),
      allAre(readsLater, "keeps, reads later, the view"),
    );
  });

  test("an answer by RPC is copied after its method has returned, with all of its buffer", async () => {
    assert.deepEqual(await ask("/answer"), { isChanged: true, bufferBytes: 64 });
  });
});
