import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  KvDouble,
  MemoryStorage,
  NamespaceDouble,
  QueueDouble,
} from "../unit/support/runtime_doubles.ts";
import {
  type Bindings,
  PeerMethods,
  runtimeOutcomes,
  storageOutcomes,
} from "../unit/support/runtime_operations.ts";
import { Random } from "../wasm/support/random.ts";
import { type PlainWorkers, startPlainWorkers } from "./harness/plain_workerd.ts";

function doubles(): Bindings {
  const queue = new QueueDouble();
  return {
    queue: queue.queue,
    received: async () => queue.received,
    kv: new KvDouble().kv,
    peers: new NamespaceDouble(() => new PeerMethods()).namespace,
    storage: (seed) => storageOutcomes(new MemoryStorage().storage, new Random(seed)),
  };
}

describe("a double behaves as the real binding does", () => {
  let workers: PlainWorkers;
  before(async () => {
    workers = await startPlainWorkers([
      {
        name: "peer",
        main: "tests/workerd/apps/runtime_doubles/index.ts",
        queues: { QUEUE: { queue: "telemetry" } },
        kvNamespaces: { KV: { kv: "telemetry" } },
        durableObjects: { PEER: "Peer" },
        consumes: { telemetry: { maxBatchTimeout: 0, maxBatchSize: 100 } },
      },
    ]);
  });
  after(() => workers.close());

  for (const [part, what] of [
    ["queue", "a queue: types, sizes, batches, what is detached and what arrives"],
    ["kv", "a KV namespace: keys, values, metadata, times, what is copied"],
    ["peers", "calls of Durable Objects: what crosses, what does not, and errors"],
    ["storage", "storage: values, rows, transactions, the alarm"],
  ] as const) {
    for (const seed of [1, 2, 3]) {
      test(`${what} (seed ${seed})`, async () => {
        const response = await workers.fetchFrom("peer", `/outcomes?part=${part}&seed=${seed}`);
        const body = await response.text();
        assert.equal(response.status, 200, body);
        const real = JSON.parse(body) as string[];
        assert.deepEqual(await runtimeOutcomes(doubles(), part, new Random(seed)), real);
      });
    }
  }
});
