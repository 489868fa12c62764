import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { LocalWorker } from "../harness/start.ts";
import type { Fault, Sent } from "./apps/metrics_record/queue_double.ts";
import { startApp } from "./harness/app.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

const intervalMs = 1000;

function start(vars: Record<string, string | number> = {}): Promise<LocalWorker> {
  return startApp("metrics_record", {
    tail: "none",
    config: {
      durable_objects: {
        bindings: [
          { name: "TELEMETRY", class_name: "TelemetryAggregator" },
          { name: "ROOM", class_name: "Room" },
        ],
      },
      migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator", "Room"] }],
      kv_namespaces: [{ binding: "TELEMETRY_KV", id: "telemetry" }],
      queues: {
        producers: [{ binding: "TELEMETRY_QUEUE", queue: "telemetry" }],
        consumers: [{ queue: "telemetry", max_batch_timeout: 0 }],
      },
      vars: { INTERVAL_MS: intervalMs, ...vars },
    },
  });
}

/** What the totals are by now, straight from the Durable Objects. */
async function scrape(app: LocalWorker): Promise<Map<string, number>> {
  const response = await app.fetch("/metrics");
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return samplesOf(text);
}

/** Waits until a sample has a value. */
function expectSample(app: LocalWorker, name: string, value: number): Promise<void> {
  return eventually(async () => {
    const samples = await scrape(app);
    const family = name.split("{")[0] as string;
    const others = [...samples].filter(([other]) => other.startsWith(family));
    assert.equal(samples.get(name), value, JSON.stringify(others));
  });
}

const orders = (plan: string) => `shop_orders_total{plan="${plan}"}`;

describe("metrics of a Worker, from records to a scrape through a queue", () => {
  let app: LocalWorker;
  before(async () => {
    app = await start();
  });
  after(() => app.close());

  const ask = async (path: string): Promise<string> => {
    const response = await app.fetch(path);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  const takeSent = async (): Promise<Sent[]> => JSON.parse(await ask("/sent")) as Sent[];
  const setFault = (fault: Fault) => ask(`/fault?fault=${fault}`);

  test("a record is in a scrape before long", async () => {
    await ask("/order?plan=first&times=3");
    await expectSample(app, orders("first"), 3);
    await expectSample(app, 'shop_order_size_bytes_sum{plan="first"}', 6);
  });

  test("requests that overlap lose nothing and send once an interval", async () => {
    await takeSent();
    const requests = Array.from({ length: 400 }, async (_, i) => {
      await sleep(i * 8);
      await ask(`/order?plan=many&ms=${(i * 37) % 400}`);
    });
    await Promise.all(requests);
    await expectSample(app, orders("many"), 400);
    const sent = await takeSent();
    const times = sent.map(({ unixMs }) => unixMs);
    const intervals = (Math.max(...times) - Math.min(...times)) / intervalMs;
    // A send may begin late on a busy machine, and the next one be due: one more than the intervals between them, and one.
    assert.ok(sent.length >= 3 && sent.length <= intervals + 2, JSON.stringify(sent));
    assert.ok(sent.every(({ others, outcome }) => others === 0 && outcome === "ok"));
    const samples = await scrape(app);
    assert.equal(samples.get('isotel_flushes_total{result="error"}'), 0);
    assert.equal(samples.get("isotel_frames_duplicate_total"), 0);
  });

  test("what the last request recorded is sent although no other comes", async () => {
    await ask("/order?plan=tail");
    await sleep(100);
    await ask("/order?plan=tail");
    await sleep(intervalMs + 500);
    const asked = Date.now();
    const sent = await takeSent();
    const last = sent.at(-1);
    assert.equal(last?.outcome, "ok");
    assert.ok(last !== undefined && last.unixMs < asked - 100, JSON.stringify(sent));
    await expectSample(app, orders("tail"), 2);
  });

  test("what is recorded after the response, and while its body is read, is sent too", async () => {
    await ask("/order_later?ms=300");
    await ask("/stream?chunks=4&ms=200");
    await expectSample(app, orders("later"), 1);
    await expectSample(app, orders("streamed"), 4);
  });

  test("the methods of a wrapped Durable Object are invocations of their own", async () => {
    assert.equal(await ask("/visit?times=5"), "5");
    await expectSample(app, "shop_visits_total", 5);
  });

  test("gauges and exponential histograms arrive too", async () => {
    await ask("/load?value=7");
    await ask("/wait?value=2");
    await expectSample(app, "shop_load", 7);
    await expectSample(app, "shop_wait_seconds_count", 1);
  });

  test("more than a frame holds goes in several, each below the limit of a message", async () => {
    await takeSent();
    await ask("/many?count=1000");
    await expectSample(app, `shop_orders_total{plan="${"999".padStart(300, "p")}"}`, 1);
    const frames = (await takeSent()).flatMap((sent) => sent.frames);
    assert.ok(frames.length >= 3, frames.join());
    assert.equal(new Set(frames).size, frames.length);
  });

  test("wrong records change no answer and are counted", async () => {
    assert.equal(await ask("/wrong"), "null");
    await expectSample(app, 'isotel_metrics_records_dropped_total{reason="value"}', 2);
    await expectSample(app, 'isotel_metrics_records_dropped_total{reason="label"}', 2);
  });

  test("a queue that refuses delays what was recorded, and no answer", async () => {
    for (const fault of ["reject", "throw"] as const) {
      const plan = `despite ${fault}`;
      await setFault(fault);
      await takeSent();
      await ask(`/order?plan=${plan}`);
      const failed: Sent[] = [];
      await eventually(async () => {
        failed.push(...(await takeSent()));
        assert.ok(failed.some(({ outcome }) => outcome === "failed"));
      });
      await ask(`/order?plan=${plan}`);
      await setFault("none");
      await expectSample(app, orders(plan), 2);
      const first = failed.find(({ outcome }) => outcome === "failed")?.frames[0];
      assert.ok(first !== undefined, JSON.stringify(failed));
      const arrived = (await takeSent()).filter(({ outcome }) => outcome === "ok");
      assert.equal(arrived.filter(({ frames }) => frames.includes(first)).length, 1);
    }
    assert.equal((await scrape(app)).get("isotel_frames_duplicate_total"), 0);
  });

  test("a send that does not come to its end keeps no request waiting, and no other begins", async () => {
    await setFault("held");
    await takeSent();
    const sent: Sent[] = [];
    await eventually(async () => {
      await ask("/order?plan=first_of_held");
      sent.push(...(await takeSent()));
      assert.ok(sent.some(({ outcome }) => outcome === "pending"));
    });
    // Each is answered while the send is held.
    for (let i = 0; i < 60; i += 1) await ask("/order?plan=held");
    assert.deepEqual(await takeSent(), []);
    await setFault("none");
    await expectSample(app, orders("held"), 60);
    sent.push(...(await takeSent()));
    assert.ok(sent.every(({ others }) => others === 0));
    const frames = sent.flatMap((one) => one.frames);
    assert.equal(new Set(frames).size, frames.length);
  });

  test("a client that leaves in the middle takes nothing with it", async () => {
    const abort = new AbortController();
    const response = await app.fetch("/stream?chunks=100&ms=50", { signal: abort.signal });
    const reader = response.body?.getReader();
    for (let i = 0; i < 3; i += 1) await reader?.read();
    const before = (await scrape(app)).get(orders("streamed")) ?? 0;
    abort.abort();
    await ask("/order?plan=after");
    await expectSample(app, orders("after"), 1);
    assert.ok(((await scrape(app)).get(orders("streamed")) ?? 0) >= before);
  });

  test("requests are measured by method, status, route and error; scrapes are not", async () => {
    const count = (labels: string) => `http_server_request_duration_seconds_count{${labels}}`;
    await app.fetch("/fail");
    await assert.rejects(app.fetch("/throw"), /RangeError: no luck/);
    await app.fetch("/nowhere", { method: "PROPFIND" });
    const labels = (method: string, rest: string) =>
      `http_request_method="${method}",${rest}url_scheme="http"`;
    const status = (code: number) => `http_response_status_code="${code}",`;
    await expectSample(app, count(`error_type="503",${labels("GET", status(503))}`), 1);
    await expectSample(app, count(`error_type="RangeError",${labels("GET", "")}`), 1);
    await expectSample(app, count(labels("_OTHER", status(404))), 1);
    const samples = await scrape(app);
    const route = samples.get(count(labels("GET", `${status(200)}http_route="/order",`)));
    assert.ok((route ?? 0) > 0, String(route));
    const measured = [...samples].filter(([name]) => name.startsWith(count("").slice(0, -1)));
    const before = measured.reduce((sum, [, value]) => sum + value, 0);
    for (let i = 0; i < 5; i += 1) await scrape(app);
    await ask("/order?plan=last");
    await expectSample(
      app,
      count(labels("GET", `${status(200)}http_route="/order",`)),
      (route ?? 0) + 1,
    );
    const after = [...(await scrape(app))]
      .filter(([name]) => name.startsWith(count("").slice(0, -1)))
      .reduce((sum, [, value]) => sum + value, 0);
    assert.equal(after, before + 1);
  });
});

describe("metrics of a Worker straight to two aggregators", () => {
  test("arrive whole, and no queue is used", async () => {
    const app = await start({ TRANSPORT: "aggregator", SHARDS: 2 });
    try {
      await Promise.all(Array.from({ length: 100 }, () => app.fetch("/order?plan=direct")));
      await expectSample(app, orders("direct"), 100);
      await app.fetch("/order?plan=direct");
      await expectSample(app, orders("direct"), 101);
      const sent: unknown = await (await app.fetch("/sent")).json();
      assert.deepEqual(sent, []);
      const samples = await scrape(app);
      assert.equal(samples.get('isotel_flushes_total{result="error"}'), 0);
      assert.equal(samples.get("isotel_frames_duplicate_total"), 0);
    } finally {
      await app.close();
    }
  });
});
