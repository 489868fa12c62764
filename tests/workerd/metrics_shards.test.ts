import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type LocalWorker, startWorkers, type WorkerConfig } from "../harness/start.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

const app = "tests/workerd/apps/metrics_shards";
const queue = "telemetry";

const consumer: WorkerConfig = {
  name: "consumer",
  main: `${app}/index.ts`,
  durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
  queues: { consumers: [{ queue, max_batch_timeout: 0, max_retries: 100, retry_delay: 1 }] },
};

/** An isolate of a deployment with this number of shards, or of a Worker that only sends and does not know it. */
function shop(name: string, shards?: number): WorkerConfig {
  return {
    name,
    main: `${app}/shop.ts`,
    ...(shards !== undefined && { vars: { SHARDS: String(shards) } }),
    queues: { producers: [{ binding: "TELEMETRY_QUEUE", queue }] },
  };
}

const knowing1 = Array.from({ length: 8 }, (_, index) => `before-${index}`);
const sending = Array.from({ length: 8 }, (_, index) => `sending-${index}`);
const before1 = [...knowing1, ...sending];
const after3 = Array.from({ length: 8 }, (_, index) => `after-${index}`);

describe("shards that are added while a real queue has frames that are not acknowledged", () => {
  let worker: LocalWorker;
  before(async () => {
    worker = await startWorkers([
      consumer,
      ...knowing1.map((name) => shop(name, 1)),
      ...sending.map((name) => shop(name)),
      ...after3.map((name) => shop(name, 3)),
    ]);
  });
  after(() => worker.close());

  const ask = async <T>(path: string): Promise<T> => {
    const response = await worker.fetch(path);
    return (await response.json()) as T;
  };
  const counts = () => ask<{ failed: number; acknowledged: number }>("/counts");
  const totals = async (shards: number) => {
    const response = await worker.fetch(`/metrics?shards=${shards}`);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return samplesOf(text);
  };
  let truth = 0;
  const order = async (name: string) => {
    const value = 1 + (truth % 7);
    truth += value;
    const response = await worker.fetchFrom(name, `/?value=${value}`);
    assert.equal(await response.json(), true);
  };

  test("every record counts once", { timeout: 60_000 }, async () => {
    for (const name of before1) await order(name);
    // All are stored, and none is acknowledged.
    await eventually(async () => {
      assert.equal((await totals(1)).get("orders_total"), truth);
      assert.ok((await counts()).failed >= before1.length);
    }, 20_000);
    await ask("/deploy?shards=3");
    // Isolates of the deployment before go on, beside those of the new one.
    for (const name of [...before1, ...after3]) await order(name);
    await eventually(async () => {
      assert.equal((await totals(3)).get("orders_total"), truth);
      assert.ok((await counts()).failed >= 4 * before1.length);
    }, 20_000);
    await ask("/mend");
    const frames = 2 * before1.length + after3.length;
    await eventually(async () => assert.ok((await counts()).acknowledged >= frames), 20_000);
    const samples = await totals(3);
    assert.equal(samples.get("orders_total"), truth);
    assert.equal(samples.get("isotel_frames_applied_total"), frames);
    assert.ok((samples.get("isotel_frames_duplicate_total") ?? 0) >= frames);
    const first = await totals(1);
    // The producers from before are in the first aggregator with all their frames. Of eight new ones, some are not.
    const applied = first.get("isotel_frames_applied_total") ?? 0;
    assert.ok(applied >= 2 * before1.length && applied < frames, String(applied));
  });
});
