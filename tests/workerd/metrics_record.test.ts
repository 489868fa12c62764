import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LocalWorker } from "../../worker/harness/start.ts";
import { startApp } from "./harness/app.ts";
import { samplesOf } from "./harness/metrics_app.ts";

test("try", async () => {
  const app = await startApp("metrics_record", {
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
      vars: { INTERVAL_MS: 1000 },
    },
  });
  try {
    const ask = async (path: string) => {
      const r = await app.fetch(path);
      return [r.status, await r.text()];
    };
    console.log(
      await ask("/order?plan=pro&times=3"),
      await ask("/order"),
      await ask("/visit?times=2"),
      await ask("/wrong"),
      await ask("/fail"),
    );
    await new Promise((r) => setTimeout(r, 2500));
    console.log(await ask("/sent"));
    console.log((await ask("/metrics"))[1]);
    console.log(await ask("/diagnostics"));
  } finally {
    await app.close();
  }
});
