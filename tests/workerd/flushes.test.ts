import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import { type LocalWorker, startWorkers, streamingTailConsumers } from "../harness/start.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

const intervalMs = 8000;
/** No invocation of a user takes that long by itself, even on a busy machine. */
const heldMs = intervalMs / 2;
const flushCall = "isotel:flush";

function start(main: string, withQueue: boolean): Promise<LocalWorker> {
  const queue = "flushes";
  return startWorkers([
    {
      name: "flushes",
      main: `tests/workerd/apps/flushes/${main}.ts`,
      streaming_tail_consumers: [...streamingTailConsumers],
      vars: { INTERVAL_MS: String(intervalMs) },
      durable_objects: {
        bindings: [
          { name: "TELEMETRY", class_name: "TelemetryAggregator" },
          { name: "SOCKETS", class_name: "Sockets" },
        ],
      },
      migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator", "Sockets"] }],
      ...(withQueue && {
        queues: {
          producers: [{ binding: "TELEMETRY_QUEUE", queue }],
          consumers: [{ queue, max_batch_timeout: 0 }],
        },
      }),
    },
  ]);
}

async function visits(worker: LocalWorker): Promise<number> {
  const response = await worker.fetch("/metrics");
  return samplesOf(await response.text()).get("visits_total") ?? 0;
}

/** Whether an invocation waited for a flush, which it did for nobody else. */
const waits = ({ isInvocation, attributes }: Span) =>
  isInvocation && attributes["jsrpc.method"] === flushCall;

function assertNobodyIsHeld(spans: readonly Span[], names: RegExp): void {
  const invocations = spans.filter(({ isInvocation, name }) => isInvocation && names.test(name));
  assert.ok(invocations.length > 0);
  for (const { name, durationMs } of invocations) {
    assert.ok(durationMs < heldMs, `${name} lasted ${durationMs} ms`);
  }
}

/** The spans of users have no children but each other: a flush sends outside of them. */
function assertSpansAreTheirOwn(spans: readonly Span[]): void {
  const own = spans.filter(({ name }) => name === "work" || name === "later");
  assert.ok(own.length > 0);
  const ids = new Set(own.map(({ spanId }) => spanId));
  const inside = spans.filter(({ parentSpanId }) => ids.has(parentSpanId ?? ""));
  assert.deepEqual(
    inside.map(({ name }) => name),
    [],
  );
}

for (const [main, title, withQueue] of [
  ["index", "an object that sends to the aggregator", false],
  ["index", "an object that sends to a queue", true],
  ["class", "a class that sends to the aggregator", false],
] as const) {
  describe(`metrics of ${title}`, () => {
    let worker: LocalWorker;
    before(async () => {
      worker = await start(main, withQueue);
    });
    after(() => worker.close());

    test("hold no invocation, and all arrive although no other one comes", async () => {
      const requests = ["/", "/", "/later", "/", "/later"];
      for (const path of requests) assert.equal((await worker.fetch(path)).status, 200);
      await eventually(async () => {
        assert.equal(await visits(worker), 2 * requests.length + 2);
      }, 3 * intervalMs);
      const spans = await worker.takeSpans({ timeoutMs: 3 * intervalMs });
      assertNobodyIsHeld(spans, /^GET/);
      assertSpansAreTheirOwn(spans);
      const waiting = spans.filter(waits);
      assert.equal(waiting.length, 1, "one invocation waits for all");
      assert.ok((waiting[0]?.durationMs ?? 0) > heldMs);
    });

    test("arrive at once by flush()", async () => {
      await worker.fetch("/");
      const before = await visits(worker);
      await worker.fetch("/");
      assert.equal(await (await worker.fetch("/flush")).json(), true);
      await eventually(async () => assert.ok((await visits(worker)) >= before + 2));
    });
  });
}

describe("metrics of a Durable Object with hibernating WebSockets", () => {
  let worker: LocalWorker;
  before(async () => {
    worker = await start("index", false);
  });
  after(() => worker.close());

  test("hold none of its invocations", async () => {
    const url = new URL("/socket", worker.url);
    url.protocol = "ws:";
    const socket = new WebSocket(url.href);
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    for (let i = 0; i < 4; i += 1) {
      const answered = new Promise((resolve) =>
        socket.addEventListener("message", resolve, { once: true }),
      );
      socket.send(String(i));
      await answered;
    }
    await eventually(async () => assert.equal(await visits(worker), 4), 3 * intervalMs);
    socket.close();
    const spans = await worker.takeSpans({ timeoutMs: 3 * intervalMs });
    assertNobodyIsHeld(spans, /Sockets/);
    assert.equal(spans.filter(waits).length, 1);
  });
});

describe("metrics of a Worker whose default export is not that of withTelemetry", () => {
  let worker: LocalWorker;
  before(async () => {
    worker = await start("unwrapped", false);
  });
  after(() => worker.close());

  test("hold no invocation either, and all arrive", async () => {
    const requests = ["/", "/", "/later", "/", "/", "/"];
    for (const path of requests) assert.equal((await worker.fetch(path)).status, 200);
    await eventually(async () => {
      assert.equal(await visits(worker), 2 * requests.length + 1);
    }, heldMs);
    const spans = await worker.takeSpans({ timeoutMs: 3 * intervalMs });
    assertNobodyIsHeld(spans, /^GET/);
    assertSpansAreTheirOwn(spans);
    // The isolate asks once. An invocation that has no such method does not wait.
    const asked = spans.filter(waits);
    assert.ok(asked.length <= 1);
    assert.ok(asked.every(({ durationMs }) => durationMs < heldMs));
  });
});
