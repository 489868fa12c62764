import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Project } from "./support/project.ts";

const recording = `import { withTelemetry } from "isotel";
import { counter, defineMetrics } from "isotel/metrics";
const { visits } = defineMetrics({ visits: counter("visits", { labels: ["page"] }) });
const fetch = async () => {
  visits.add(1, { page: "home" });
  return new Response("hello");
};
`;

const queueOptions = "(env) => ({ metrics: { queue: env.QUEUE } })";
const scrapedOptions =
  "(env) => ({ metrics: { queue: env.QUEUE, aggregator: env.TELEMETRY, public: true, flushIntervalMs: 200 } })";

const workers = {
  recording: `${recording}export default withTelemetry({ fetch }, ${queueOptions});`,
  scraped: `${recording}export { TelemetryAggregator } from "isotel/aggregator";
export default withTelemetry({ fetch }, ${scrapedOptions});`,
  answering: `import { metricsResponse } from "isotel/aggregator";
export default { fetch: (request, env) => metricsResponse(request, { aggregator: env.TELEMETRY }) };`,
  wrapping: `import { withTelemetry } from "isotel";
export default withTelemetry({ fetch: () => new Response("hello") }, () => ({}));`,
  collecting: `import { collector } from "isotel/collector";
export default collector(() => ({ otlp: { backend: "honeycomb", apiKey: "key" } }));`,
  tracing: `import { tracer } from "isotel";
export default { fetch: () => tracer.withSpan("hello", {}, () => new Response("hello")) };`,
};

type Name = keyof typeof workers;

const configOf = (name: Name) => ({
  name,
  main: `${name}.js`,
  compatibility_date: "2026-11-17",
  compatibility_flags: ["nodejs_compat"],
  queues: {
    producers: [{ binding: "QUEUE", queue: "telemetry" }],
    ...(name === "scraped" && { consumers: [{ queue: "telemetry", max_batch_timeout: 0 }] }),
  },
  ...(name === "scraped" && {
    durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
  }),
});

describe("metrics of the package, installed into a fresh project", () => {
  const project = new Project();
  before(async () => {
    await project.install(await project.pack());
    for (const name of Object.keys(workers) as Name[]) {
      project.write(`${name}.js`, workers[name]);
      project.write(`${name}.json`, configOf(name));
    }
  });
  after(() => project.remove());

  /** The script wrangler makes of a Worker, and the Wasm modules it uploads: also those that no script imports. */
  async function bundle(name: Name): Promise<{ script: string; modules: string[] }> {
    const folder = `out_${name}`;
    const config = ["--config", `${name}.json`, "--outdir", folder];
    await project.run("wrangler", "deploy", "--dry-run", ...config);
    const script = readFileSync(join(project.folder, folder, `${name}.js`), "utf8");
    const files = readdirSync(join(project.folder, folder));
    const modules = files
      .filter((file) => file.endsWith(".wasm"))
      .map((file) => file.replace(/^\w+-/, ""))
      .sort();
    return { script, modules };
  }

  const recordingCode = /isotel_flushes|sendBatch|http\.server\.request\.duration/;
  const aggregatingCode = /isotel_chunks|isotel_aggregate_totals_apply|aggregate\.wasm/;

  test("a Worker that only records carries nothing that adds up", async () => {
    const { script, modules } = await bundle("recording");
    assert.match(script, recordingCode);
    assert.doesNotMatch(script, aggregatingCode);
    assert.deepEqual(modules, ["core.wasm"]);
  });

  test("a Worker with the aggregator carries both modules", async () => {
    const { script, modules } = await bundle("scraped");
    assert.match(script, recordingCode);
    assert.match(script, aggregatingCode);
    assert.deepEqual(modules, ["aggregate.wasm", "core.wasm"]);
  });

  test("a Worker that only answers scrapes carries nothing that records", async () => {
    const { script, modules } = await bundle("answering");
    assert.doesNotMatch(script, recordingCode);
    assert.match(script, aggregatingCode);
    assert.deepEqual(modules, ["aggregate.wasm"]);
  });

  test("a Worker that only traces carries no metrics", async () => {
    const { script, modules } = await bundle("tracing");
    assert.doesNotMatch(script, recordingCode);
    assert.doesNotMatch(script, aggregatingCode);
    assert.deepEqual(modules, ["core.wasm"]);
  });

  for (const name of ["wrapping", "collecting"] as const) {
    test(`a Worker that does not import metrics carries nothing that records (${name})`, async () => {
      const { script } = await bundle(name);
      assert.doesNotMatch(script, /isotel_metrics_frame\(|sendBatch\(|isotel_flushes/);
      assert.doesNotMatch(script, aggregatingCode);
    });
  }

  test("exporting the aggregator is all it takes for the route and the queue", async () => {
    env["WRANGLER_SEND_METRICS"] = "false";
    env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    const { createTestHarness } = await import("wrangler");
    const harness = createTestHarness({
      root: project.folder,
      workers: [{ configPath: "scraped.json" }],
    });
    try {
      await harness.listen();
      assert.equal(await (await harness.fetch("/")).text(), "hello");
      let text = "";
      for (let i = 0; i < 100 && !text.includes('visits_total{page="home"} 1'); i += 1) {
        await sleep(50);
        text = await (await harness.fetch("/metrics")).text();
      }
      assert.match(text, /^visits_total\{page="home"\} 1$/m);
      assert.match(text, /^http_server_request_duration_seconds_count\{.*\} 1$/m);
    } finally {
      await harness.close();
    }
  });
});
