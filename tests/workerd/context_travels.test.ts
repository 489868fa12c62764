import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type LocalWorker, startWorkers, streamingTailConsumers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { edges, received } from "../unit/support/exporting.ts";
import { pause } from "./harness/export_counts.ts";

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

function start(hasNative: boolean): Promise<LocalWorker> {
  process.env["X_LOCAL_OBSERVABILITY"] = String(hasNative);
  const signals = ["traces"];
  return startWorkers([
    {
      name: "orders",
      main: "tests/workerd/apps/orders/index.ts",
      streaming_tail_consumers: hasNative ? [...streamingTailConsumers] : [],
      services: [
        { binding: "STOCK", service: "orders", entrypoint: "Stock" },
        { binding: "PLAIN", service: "orders", entrypoint: "Plain" },
      ],
      durable_objects: { bindings: [{ name: "SHELF", class_name: "Shelf" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Shelf"] }],
      workflows: [{ binding: "FLOW", name: "flow", class_name: "Flow" }],
      queues: {
        producers: [{ binding: "ORDERS", queue: "orders" }],
        consumers: [{ queue: "orders", max_batch_timeout: 0, max_retries: 0 }],
      },
      vars: { OTLP: JSON.stringify({ backend: "custom", endpoint: receiver.url, signals }) },
    },
  ]);
}

for (const hasNative of [false, true]) {
  describe(`trace context, native tracing ${hasNative ? "on" : "off"}`, () => {
    let app: LocalWorker;
    before(async () => {
      receiver.requests.length = 0;
      app = await start(hasNative);
    });
    after(() => app.close());

    const json = async (path: string): Promise<unknown> => (await app.fetch(path)).json();

    test("an order is one trace over RPC and an object, linked over the queue to a Workflow", async () => {
      assert.equal(await json("/order"), true);
      await receiver.item("Workflow's span", ({ name }) => name === "workflow flow");
      const spans = receiver.requests.flatMap(({ items }) => items);
      assert.deepEqual(
        edges(spans),
        [
          "GET",
          "StockClass/reserve < place order",
          "ShelfClass/take < StockClass/reserve",
          "chat given-1 < invoke_agent",
          "invoke_agent < step thank",
          "place order < GET",
          "process orders",
          "step thank < workflow flow",
          "workflow flow < process orders",
          "write < ShelfClass/take",
        ].sort(),
      );
      const order = received(spans, "place order");
      const batch = received(spans, "process orders");
      assert.deepEqual(batch.links, [[order.traceId, order.spanId]]);
      const traces = new Set(spans.map(({ traceId }) => traceId));
      assert.equal(traces.size, 2);
    });

    test("arguments, results and errors of RPC calls are those of the target", async () => {
      for (const target of ["", "?plain"]) {
        assert.deepEqual(await json(`/echo${target}`), [1, null, null, { a: [1] }, "x"]);
        assert.equal(await (await app.fetch(`/fails${target}`)).text(), "RangeError: sold out");
        assert.match(
          await (await app.fetch(`/missing${target}`)).text(),
          /TypeError: The RPC receiver does not implement the method "nothing"/,
        );
      }
      assert.deepEqual(await json("/pipelined"), [2, 5, 7]);
      assert.equal(await json("/callback"), 42);
    });

    if (hasNative) {
      test("a target that is not wrapped is tried once for each stub", async () => {
        await app.takeSpans();
        const methodsCalled = async () => {
          await json("/echo?plain");
          const spans = await app.takeSpans();
          return new Set(spans.map(({ attributes }) => attributes["jsrpc.method"]));
        };
        await methodsCalled();
        const methods = await methodsCalled();
        assert.deepEqual([methods.has("echo"), methods.has("isotelCall")], [true, false]);
      });
    }

    test("properties of a stub and of what its methods return can be awaited and called", async () => {
      assert.deepEqual(await json("/properties"), [{ max: 3 }, 3, 3, 7]);
    });

    test("only methods that RPC allows can be called with context", async () => {
      for (const answer of (await json("/reserved")) as string[]) {
        assert.match(answer, /does not implement the method/);
      }
    });

    test("fetch of a stub sends the headers beside those of the request", async () => {
      const headers = (await json("/headers")) as Record<string, string>;
      assert.match(headers["traceparent"] ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.equal(headers["x-own"], "1");
    });

    test("fetch of a stub adds nothing to a request that has a traceparent of its own", async () => {
      const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
      const request = { headers: { traceparent, tracestate: "vendor=1" } };
      const response = await app.fetch("/headers/own", request);
      const headers = (await response.json()) as Record<string, string>;
      assert.equal(headers["traceparent"], `00-${"1".repeat(32)}-${"2".repeat(16)}-01`);
      assert.equal(headers["tracestate"], undefined);
    });

    test("a consumer gets the bodies that were sent, of each content type", async () => {
      const before = ((await json("/seen")) as string[]).length;
      await app.fetch("/bodies");
      let bodies: string[] = [];
      for (let i = 0; i < 200 && bodies.length < 6; i += 1) {
        await pause(25);
        bodies = ((await json("/seen")) as string[]).slice(before);
      }
      assert.deepEqual(
        bodies.sort(),
        ['"text"', '"two"', "1", "ArrayBuffer 1,2,3", "Date 5", '{"json":[1]}'].sort(),
      );
    });
  });
}
