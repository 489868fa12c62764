import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { workerRoutes } from "../../../bindings/aggregate/worker_routes.ts";
import type { MetricsBindings } from "../../../bindings/metrics/worker_options.ts";
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

const text = new TextEncoder();
const newer = frame.slice();
newer[3] = 2;

describe("what a Worker takes for telemetry of a batch", () => {
  for (const [what, queue, bodies, metrics, taken] of [
    ["a frame", "any", [frame], {}, [0]],
    ["a frame in a buffer", "any", [frame.slice().buffer], {}, [0]],
    ["a frame of a newer version", "any", [newer], {}, [0]],
    ["a frame that is cut", "any", [frame.subarray(0, 30)], {}, [0]],
    ["other bytes", "any", [new Uint8Array(3)], {}, []],
    ["text that begins with the letters of a frame", "any", [text.encode("ISFAHAN")], {}, []],
    ...["\t", "\n", "\v", "\f", "\r", " "].map(
      (space) =>
        [
          `these letters and ${JSON.stringify(space)}`,
          "any",
          [text.encode(`ISF${space}1`)],
          {},
          [],
        ] as const,
    ),
    ["frames beside other bytes", "any", [new Uint8Array(3), frame], {}, [1]],
    ["frames beside text", "any", [frame, "text", newer], {}, [0, 2]],
    ["no messages", "any", [], {}, []],
    ["whatever the named queue brings", "own", ["text"], { queueName: "own" }, [0]],
    ["frames of its dead letter queue", "own-dlq", ["text", frame], { queueName: "own" }, [1]],
    ["frames of another queue", "other", ["text", frame], { queueName: "own" }, [1]],
  ] as const) {
    const which = taken.length === 0 ? "nothing" : `messages ${taken.join(", ")}`;
    test(`${what}: ${which}`, async (t) => {
      t.mock.method(console, "error", () => {});
      const { batch, outcomes } = batchOf(queue, bodies);
      const telemetry = workerRoutes.consume(batch, metrics);
      await telemetry?.consumed;
      // There is no aggregator here.
      assert.deepEqual(
        outcomes,
        taken.map((index) => `retry ${index} in 5`),
      );
      const rest = telemetry === undefined ? batch : telemetry.rest;
      const others = batch.messages.filter((_, index) => !taken.some((one) => one === index));
      assert.deepEqual(rest?.messages ?? [], others);
    });
  }

  test("the rest of a batch is acknowledged and retried without the telemetry in it", async (t) => {
    t.mock.method(console, "error", () => {});
    const { batch, outcomes } = batchOf("any", ["a", frame, "b"]);
    const telemetry = workerRoutes.consume(batch, {});
    await telemetry?.consumed;
    telemetry?.rest?.ackAll();
    telemetry?.rest?.retryAll({ delaySeconds: 7 });
    assert.deepEqual(outcomes, ["retry 1 in 5", "ack 0", "ack 2", "retry 0 in 7", "retry 2 in 7"]);
    assert.equal(telemetry?.rest?.queue, "any");
  });

  test("telemetry for an aggregator that does not answer is retried, and ends the batch after 30 s", async (t) => {
    const errors = t.mock.method(console, "error", () => {});
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const hanging = {
      idFromName: () => ({}),
      get: () => ({ apply: () => new Promise(() => {}) }),
    } as unknown as NonNullable<MetricsBindings["aggregator"]>;
    const { batch, outcomes } = batchOf("any", ["own", frame]);
    const telemetry = workerRoutes.consume(batch, { aggregator: hanging });
    t.mock.timers.tick(29_999);
    await new Promise(setImmediate);
    assert.deepEqual(outcomes, []);
    t.mock.timers.tick(1);
    await new Promise(setImmediate);
    assert.deepEqual(outcomes, ["retry 1 in 5"]);
    await telemetry?.consumed;
    assert.match(
      String(errors.mock.calls[0]?.arguments[0]),
      /did not store 1 messages; they are retried/,
    );
  });

  test("without an aggregator it is told once which binding is missing", async (t) => {
    const errors = t.mock.method(console, "error", () => {});
    await workerRoutes.consume(batchOf("any", [frame, frame]).batch, {})?.consumed;
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
