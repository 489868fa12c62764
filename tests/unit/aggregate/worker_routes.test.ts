import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { workerRoutes } from "../../../bindings/aggregate/worker_routes.ts";
import type { MetricsBindings } from "../../../bindings/invocation/telemetry_options.ts";
import { Producer } from "../../wasm/support/producer.ts";

const frame = new Producer(1).count({ name: "orders" }, 1);
const context = {} as ExecutionContext;

/** A batch that notes what becomes of its messages. */
function batchOf(queue: string, bodies: readonly unknown[]) {
  const outcomes: string[] = [];
  const messages = bodies.map((body, index) => ({
    id: String(index),
    timestamp: new Date(0),
    attempts: 1,
    body,
    metadata: {},
    ack: () => void outcomes.push(`ack ${index}`),
    retry: (options?: QueueRetryOptions) =>
      void outcomes.push(`retry ${index} in ${options?.delaySeconds}`),
  }));
  return { batch: { queue, messages } as unknown as MessageBatch, outcomes };
}

describe("what a Worker takes for its telemetry queue", () => {
  for (const [what, queue, bodies, metrics, is] of [
    ["bytes with a frame among them", "any", [frame, new Uint8Array(3)], {}, true],
    ["a frame in a buffer", "any", [frame.slice().buffer], {}, true],
    ["bytes without a single frame", "any", [new Uint8Array(3)], {}, false],
    ["frames beside what is no bytes", "any", [frame, "text"], {}, false],
    ["no messages", "any", [], {}, false],
    ["the queue it is told of, whatever it brings", "own", ["text"], { queueName: "own" }, true],
    ["its dead letter queue", "own-dlq", [frame], { queueName: "own" }, true],
    ["another queue with frames", "other", [frame], { queueName: "own" }, false],
  ] as const) {
    test(`${what}: ${is ? "yes" : "no"}`, async (t) => {
      t.mock.method(console, "error", () => {});
      const { batch, outcomes } = batchOf(queue, bodies);
      const taken = workerRoutes.consume(batch, metrics);
      assert.equal(taken !== undefined, is);
      await taken;
      // There is no aggregator here.
      assert.deepEqual(outcomes, is ? bodies.map((_, index) => `retry ${index} in 5`) : []);
    });
  }

  test("without an aggregator it is told once which binding is missing", async (t) => {
    const errors = t.mock.method(console, "error", () => {});
    await workerRoutes.consume(batchOf("any", [frame, frame]).batch, {});
    assert.equal(errors.mock.callCount(), 1);
    const [, cause] = errors.mock.calls[0]?.arguments ?? [];
    assert.match(String(cause), /`aggregator` is missing.*wrangler\.jsonc.*new_sqlite_classes/);
  });
});

describe("what a Worker takes for a scrape", () => {
  const kv = {} as KVNamespace;
  for (const [path, metrics, is] of [
    ["/metrics", { kv }, true],
    ["/metrics?x=1", { kv }, true],
    ["/metrics/", { kv }, false],
    ["/", { kv }, false],
    ["/metrics", {}, false],
    ["/metrics", { queueName: "own" }, false],
    ["/metrics", { scrapeToken: "t" }, true],
    ["/internal/metrics", { kv, scrapePath: "/internal/metrics" }, true],
    ["/metrics", { kv, scrapePath: "/internal/metrics" }, false],
  ] as readonly [string, MetricsBindings, boolean][]) {
    test(`${path} with ${JSON.stringify(metrics)}: ${is ? "yes" : "no"}`, async () => {
      const request = new Request(`https://shop.example${path}`);
      const taken = workerRoutes.scrape(request, metrics, context);
      assert.equal(taken !== undefined, is);
      const expected = metrics.scrapeToken === undefined ? 403 : 401;
      if (is) assert.equal((await taken)?.status, expected);
    });
  }
});
