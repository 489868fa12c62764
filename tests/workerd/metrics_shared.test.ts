import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type LocalWorker, startWorkers, type WorkerConfig } from "../harness/start.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

const main = "tests/workerd/apps/metrics_shared/index.ts";
const aggregator = { name: "TELEMETRY", class_name: "TelemetryAggregator" };
const room = { name: "ROOM", class_name: "Room" };

/** The first Worker has the aggregator, the second one sends to it. */
const shop: WorkerConfig = {
  name: "shop",
  main,
  durable_objects: { bindings: [aggregator, room] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator", "Room"] }],
  vars: { LABELS: { service: "shop", version: "1" }, VALUES: 3 },
};
const blog: WorkerConfig = {
  name: "blog",
  main,
  durable_objects: { bindings: [{ ...aggregator, script_name: "shop" }, room] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Room"] }],
  vars: { LABELS: { service: "blog", plan: "none", le: "1" }, VALUES: 50 },
};

describe("two Workers with one aggregator", () => {
  let workers: LocalWorker;
  before(async () => {
    workers = await startWorkers([shop, blog]);
  });
  after(() => workers.close());

  const ask = async (worker: string, path: string): Promise<string> => {
    const response = await workers.fetchFrom(worker, path);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  const scrape = () => ask("shop", "/metrics");
  const expectSample = (name: string, value: number) =>
    eventually(async () => {
      const text = await scrape();
      assert.equal(samplesOf(text).get(name), value, `${name}\n${text}`);
    });

  test("are told apart by constant labels, in series at 0 and in records", async () => {
    await ask("shop", "/");
    await ask("blog", "/");
    await expectSample('visits_total{service="shop",version="1"}', 0);
    // The metric's own label wins over the constant one.
    await expectSample('visits_total{plan="none",service="blog"}', 0);
    await expectSample('orders_total{plan="pro",service="blog"}', 0);
    await expectSample('size_count{plan="pro",service="shop",version="1"}', 0);
    for (const plan of ["pro", "free", "x", "y"]) await ask("shop", `/order?plan=${plan}`);
    await ask("blog", "/order?plan=pro");
    await expectSample('orders_total{plan="pro",service="shop",version="1"}', 1);
    await expectSample('orders_total{otel_metric_overflow="true",service="shop",version="1"}', 2);
    await expectSample('orders_total{plan="pro",service="blog"}', 1);
    await expectSample('orders_total{plan="free",service="blog"}', 0);
  });

  test("have them on the metrics of Durable Objects, AI calls, requests and isotel", async () => {
    for (const worker of ["shop", "blog"]) {
      await ask(worker, "/enter");
      await ask(worker, "/ask");
    }
    await expectSample('rooms_total{service="shop",version="1"}', 1);
    await expectSample('rooms_total{plan="none",service="blog"}', 1);
    await eventually(async () => {
      const names = [...samplesOf(await scrape()).keys()];
      for (const family of [
        "gen_ai_client_inference_duration_seconds_count",
        "http_server_request_duration_seconds_count",
        "isotel_flushes_total",
        "isotel_core_traps_total",
        "isotel_metrics_label_values_overflowed_total",
      ]) {
        const found = names.filter((name) => name.startsWith(family));
        for (const label of ['service="shop"', 'service="blog"']) {
          assert.ok(
            found.some((name) => name.includes(label)),
            `${family} ${label}`,
          );
        }
        const without = found.filter((name) => !/service="(shop|blog)"/.test(name));
        assert.deepEqual(without, [], "every series has them");
      }
    });
  });

  test("say once what is wrong with an option, and nothing else", async () => {
    const said = JSON.parse(await ask("blog", "/said")) as string[];
    assert.equal(said.length, 1, said.join("\n"));
    assert.match(
      said[0] ?? "",
      /the name "le" in metrics\.constantLabels .* The label is left out/,
    );
  });

  test("limit the values of a route each, which is said once and counted", async () => {
    for (let i = 0; i < 20; i += 1) {
      await ask("shop", `/route/${i}`);
      await ask("blog", `/route/${i}`);
    }
    const count = (samples: Map<string, number>, service: string, route: string) =>
      [...samples]
        .filter(([name]) => name.startsWith("http_server_request_duration_seconds_count{"))
        .filter(([name]) => name.includes(`service="${service}"`))
        .filter(([name]) => name.includes(`http_route="${route}"`))
        .reduce((sum, [, value]) => sum + value, 0);
    await eventually(async () => {
      const samples = samplesOf(await scrape());
      assert.equal(count(samples, "shop", "/route/19"), 0);
      assert.ok(count(samples, "shop", "_OTHER") >= 20);
      assert.ok(count(samples, "shop", "/order") >= 4, "a value from before keeps counting");
      assert.equal(count(samples, "blog", "/route/19"), 1);
      assert.equal(count(samples, "blog", "_OTHER"), 0);
      const overflowed = "isotel_metrics_label_values_overflowed_total";
      assert.ok((samples.get(`${overflowed}{service="shop",version="1"}`) ?? 0) >= 20);
      assert.equal(samples.get(`${overflowed}{plan="none",service="blog"}`), 0);
    });
    const said = JSON.parse(await ask("shop", "/said")) as string[];
    assert.equal(said.length, 1, said.join("\n"));
    assert.match(
      said[0] ?? "",
      /label http\.route of http\.server\.request\.duration has more than 3 values/,
    );
  });
});
