import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startWorkers } from "../harness/start.ts";

const queue = "isotel-telemetry";

/** Counts of what was recorded of three requests, once they are all there. */
async function countsOf(again: "yes" | "no"): Promise<Record<string, number>> {
  process.env["X_LOCAL_OBSERVABILITY"] = "true";
  const main = "tests/workerd/apps/measured_twice";
  const producers = [{ binding: "TELEMETRY_QUEUE", queue }];
  const app = await startWorkers([
    {
      name: "measured",
      main: `${main}/index.ts`,
      streaming_tail_consumers: [{ service: "collecting" }],
      queues: { producers },
    },
    {
      name: "collecting",
      main: `${main}/collecting.ts`,
      vars: { AGAIN: again },
      durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
      queues: { producers, consumers: [{ queue, max_batch_timeout: 0 }] },
    },
  ]);
  try {
    for (let i = 0; i < 3; i += 1) await (await app.fetch("/")).text();
    let before = "";
    for (let attempt = 0; attempt < 40; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const text = await (await app.fetchFrom("collecting", "/metrics")).text();
      const counts = samplesOf(text);
      const now = JSON.stringify(counts);
      // Both have to have sent all they have.
      if ((counts["invocations"] ?? 0) >= 6 && now === before) return counts;
      before = now;
    }
    throw new Error(`the metrics did not come to rest: ${before}`);
  } finally {
    await app.close();
  }
}

function samplesOf(text: string): Record<string, number> {
  const sum = (...parts: string[]): number =>
    text
      .split("\n")
      .filter((line) => parts.every((part) => line.includes(part)))
      .reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
  return {
    requests: sum("http_server_request_duration_seconds_count{", 'http_route="/measured"'),
    calls: sum("gen_ai_client_inference_duration_seconds_count{"),
    invocations: sum("faas_invoke_duration_seconds_count{"),
  };
}

describe("a Worker that records its own metrics, followed by a collector", () => {
  test("has each request and each call counted once, and its invocations too", async () => {
    const { requests, calls, invocations } = await countsOf("no");
    assert.deepEqual({ requests, calls }, { requests: 3, calls: 3 });
    // Those of the model's provider are the collector's alone.
    assert.equal(invocations, 6);
  });

  test("has them counted by both where that is asked for", async () => {
    const { requests, calls } = await countsOf("yes");
    assert.deepEqual({ requests, calls }, { requests: 6, calls: 6 });
  });
});
