import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type Receiver, startReceiver, takenOnce } from "../otlp_receiver/receiver.ts";
import { eventually } from "./harness/eventually.ts";
import { pause } from "./harness/export_counts.ts";
import { type PlainWorker, startPlain } from "./harness/plain_workerd.ts";

describe("a backend that is down, in workerd", () => {
  let app: PlainWorker;
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver.close());
  afterEach(() => app.close());

  async function start(options: object = {}): Promise<void> {
    receiver.requests.length = 0;
    const OTLP = { backend: "custom", signals: ["traces"], invocationSpan: false, ...options };
    app = await startPlain("otlp", { OTLP: JSON.stringify({ ...OTLP, endpoint: receiver.url }) });
  }

  async function work(): Promise<void> {
    const response = await app.fetch("/work");
    assert.equal(response.status, 200);
    await response.text();
  }

  async function counts(): Promise<Record<string, number>> {
    const found = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
    const dropped = Object.entries(found).filter(([name]) => name.startsWith("otlp_dropped_"));
    const { otlp_made: made = 0, otlp_accepted = 0, otlp_queued = 0, otlp_sending = 0 } = found;
    const all = dropped.reduce((sum, [, count]) => sum + count, 0);
    assert.equal(made, otlp_accepted + all + otlp_queued + otlp_sending);
    return found;
  }

  /** Spans the receiver has answered for with 200, once each. */
  const arrived = () => takenOnce(receiver.requests).flatMap(({ items }) => items);

  /** Calls the Worker until nothing waits any more. Each of its spans has then arrived. */
  async function drained(made: number): Promise<void> {
    await eventually(async () => {
      const { otlp_accepted } = await counts();
      assert.equal(otlp_accepted, made);
    }, 30_000);
    const ids = arrived().map(({ spanId }) => spanId);
    assert.deepEqual([ids.length, new Set(ids).size], [made, made]);
  }

  test("20 invocations in 4 s at 503 make at most 5 requests, and all arrives once afterwards", async () => {
    await start();
    receiver.otherwise = { status: 503 };
    const begin = Date.now();
    for (let i = 0; i < 20; i += 1) {
      await work();
      await pause(Math.max(0, begin + (i + 1) * 200 - Date.now()));
    }
    // The back-off is at least 0.5, 1, 2 and 4 s: a slower machine has time for one more.
    const most = 2 + Math.log2(1 + (Date.now() - begin) / 500);
    assert.ok(receiver.requests.length <= most, `${receiver.requests.length} requests`);
    assert.ok(receiver.requests.length >= 2);
    receiver.otherwise = {};
    await drained(40);
  });

  test("a backend that hangs is asked by few invocations; their responses do not wait", async () => {
    await start({ exportTimeoutMs: 1_500 });
    receiver.otherwise = { hangs: true };
    await work();
    await receiver.arrived(1);
    // The first request has now been open for more than a second, or has ended.
    await eventually(async () => assert.equal((await counts())["otlp_sending"], 0));
    const { otlp_queued } = await counts();
    assert.equal(otlp_queued, 2, "the items are back when the invocation is no longer held");
    receiver.otherwise = {};
    await drained(2);
  });

  test("a backend that flaps gets everything once", async () => {
    await start();
    receiver.script.push(
      { status: 503 },
      {},
      { resets: true },
      {},
      { status: 429 },
      { status: 502 },
    );
    let made = 0;
    await eventually(async () => {
      await work();
      made += 2;
      assert.equal(receiver.script.length, 0);
    }, 60_000);
    await drained(made);
  });
});
