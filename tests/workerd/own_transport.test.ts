import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorkers } from "../harness/start.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

test("invocations that carry or serve metrics are not measured, which would cause the next ones", async (context) => {
  const queue = "own-transport";
  const app = await startWorkers([
    {
      name: "own_transport",
      main: "tests/workerd/apps/own_transport/index.ts",
      durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "Aggregator" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Aggregator"] }],
      queues: {
        producers: [{ binding: "TELEMETRY_QUEUE", queue }],
        consumers: [{ queue, max_batch_timeout: 0 }],
      },
    },
  ]);
  context.after(() => app.close());
  const samples = async () => samplesOf(await (await app.fetch("/metrics")).text());
  // What an earlier round has recorded is sent with the next one.
  for (const round of [1, 2, 3]) {
    await (await app.fetch("/")).text();
    await eventually(async () => assert.equal((await samples()).get("visits_total"), round));
  }
  const durations = [...(await samples())].filter(([series]) => /_seconds_count\{/.test(series));
  assert.deepEqual(durations, [
    [
      'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",url_scheme="http"}',
      3,
    ],
  ]);
});
