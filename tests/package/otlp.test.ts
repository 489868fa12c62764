import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { after, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { Project } from "./support/project.ts";

const fetchHandler = 'fetch: () => tracer.withSpan("hello", {}, () => new Response("hello"))';

const workers = {
  exporting: `import { tracer, withTelemetry } from "isotel";
import "isotel/otlp";
export default withTelemetry({ ${fetchHandler} }, (env) => ({
  otlp: { backend: "custom", endpoint: env.RECEIVER, serviceName: "shop" },
}));`,
  collecting: `import { collector } from "isotel/collector";
export default collector((env) => ({ otlp: { backend: "custom", endpoint: env.RECEIVER } }));`,
  forgetful: `import { tracer, withTelemetry } from "isotel";
export default withTelemetry({ ${fetchHandler} }, (env) => ({
  otlp: { backend: "custom", endpoint: env.RECEIVER },
}));`,
  counting: `import { withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { counter, defineMetrics } from "isotel/metrics";
import "isotel/otlp/metrics";
const { visits } = defineMetrics({ visits: counter("visits") });
export class Telemetry extends TelemetryAggregator {
  static options = {
    otlp: (env) => ({ backend: "custom", endpoint: env.RECEIVER, intervalMs: 1000, serviceName: "shop" }),
  };
}
const fetch = () => {
  visits.add(3);
  return new Response("hello");
};
export default withTelemetry({ fetch }, (env) => ({
  metrics: { aggregator: env.TELEMETRY, flushIntervalMs: 100 },
}));`,
};

type Name = keyof typeof workers;

describe("export of the package, installed into a fresh project", () => {
  const project = new Project();
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
    await project.install(await project.pack());
    for (const name of Object.keys(workers) as Name[]) {
      project.write(`${name}.js`, workers[name]);
      project.write(`${name}.json`, {
        name,
        main: `${name}.js`,
        compatibility_date: "2026-11-17",
        compatibility_flags: ["nodejs_compat"],
        vars: { RECEIVER: receiver.url },
        ...(name === "counting" && {
          durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "Telemetry" }] },
          migrations: [{ tag: "v1", new_sqlite_classes: ["Telemetry"] }],
        }),
      });
    }
  });
  after(async () => {
    await receiver.close();
    project.remove();
  });

  /** The script wrangler makes of a Worker, and the Wasm modules beside it. */
  async function bundled(name: Name): Promise<{ script: string; modules: string[] }> {
    const out = `deployed_${name}`;
    const config = `${name}.json`;
    await project.run("wrangler", "deploy", "--dry-run", "--config", config, "--outdir", out);
    const files = readdirSync(join(project.folder, out));
    return {
      script: readFileSync(join(project.folder, out, `${name}.js`), "utf8"),
      modules: files.filter((file) => file.endsWith(".wasm")),
    };
  }

  test("a Worker that exports carries the encoder's module, any other does not", async () => {
    const exporting = await bundled("exporting");
    assert.equal(exporting.modules.length, 2);
    assert.match(exporting.script, /import \w+ from "\.\/[^"]*otlp\.wasm"/);
    const forgetful = await bundled("forgetful");
    assert.equal(forgetful.modules.length, 1);
    assert.doesNotMatch(forgetful.script, /otlp\.wasm|CompressionStream|x-honeycomb-team/);
    assert.doesNotMatch(exporting.script, /tailStream/);
  });

  test("a collector carries the core and the encoder", async () => {
    const collecting = await bundled("collecting");
    assert.equal(collecting.modules.length, 2);
    assert.match(collecting.script, /tailStream/);
  });

  test("a Worker that exports metrics carries what sends them, and no encoder of spans", async () => {
    const { script } = await bundled("counting");
    assert.match(script, /isotel_aggregate_snapshot_otlp/);
    assert.match(script, /x-honeycomb-team/);
    assert.doesNotMatch(script, /isotel_otlp_encode|import \w+ from "\.\/[^"]*otlp\.wasm"/);
    const { script: spans } = await bundled("exporting");
    assert.doesNotMatch(spans, /isotel_exports/);
  });

  test("two lines of an aggregator export what was counted", async () => {
    env["WRANGLER_SEND_METRICS"] = "false";
    env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    const { createTestHarness } = await import("wrangler");
    const harness = createTestHarness({
      root: project.folder,
      workers: [{ configPath: "counting.json" }],
    });
    try {
      await harness.listen();
      assert.equal(await (await harness.fetch("/")).text(), "hello");
      await receiver.arrived(1);
      const [request] = receiver.requests;
      assert.equal(request?.path, "POST /v1/metrics");
      assert.equal(request?.resource["service.name"], "shop");
      const visits = request?.points.find(({ name }) => name === "visits");
      assert.deepEqual([visits?.value, visits?.kind, visits?.temporality], [3, "sum", 2]);
    } finally {
      await harness.close();
      receiver.requests.length = 0;
    }
  });

  test("two lines of a Worker export its spans; without the import it answers as before", async () => {
    env["WRANGLER_SEND_METRICS"] = "false";
    env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    env["X_LOCAL_OBSERVABILITY"] = "false";
    const { createTestHarness } = await import("wrangler");
    const harness = createTestHarness({
      root: project.folder,
      workers: [{ configPath: "exporting.json" }, { configPath: "forgetful.json" }],
    });
    try {
      await harness.listen();
      assert.equal(await (await harness.fetch("/")).text(), "hello");
      await receiver.arrived(1);
      assert.deepEqual(
        receiver.requests[0]?.items.map(({ name }) => name),
        ["hello", "GET"],
      );
      assert.equal(await (await harness.getWorker("forgetful").fetch("/")).text(), "hello");
    } finally {
      await harness.close();
    }
  });

  test("in Node configureTelemetry exports as well", async () => {
    receiver.requests.length = 0;
    project.write(
      "main.js",
      `import { tracer } from "isotel";
      import { configureTelemetry } from "isotel/otlp";
      const telemetry = configureTelemetry({ backend: "custom" }, { OTEL_EXPORTER_OTLP_ENDPOINT: "${receiver.url}" });
      tracer.withSpan("work", { "app.n": 1 }, () => {});
      await telemetry.flush();
      console.log(JSON.stringify(telemetry.counts().map(({ signal, accepted }) => [signal, accepted])));`,
    );
    assert.deepEqual(JSON.parse(await project.run("node", "main.js")), [
      ["traces", 1],
      ["logs", 0],
    ]);
    assert.deepEqual(receiver.requests[0]?.items[0]?.attributes, { "app.n": 1 });
  });

  test("what is wrong is said in Node, and no key with it", async () => {
    project.write(
      "wrong.js",
      `import { configureTelemetry } from "isotel/otlp";
      try {
        configureTelemetry({ backend: "axiom", token: "s3cret\\n" }, {});
      } catch (error) {
        console.log(error.message);
      }`,
    );
    const message = await project.run("node", "wrong.js");
    assert.match(message, /AXIOM_TOKEN.*AXIOM_DATASET/);
    assert.doesNotMatch(message, /s3cret/);
  });
});
