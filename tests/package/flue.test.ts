import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { after, before, describe, test } from "node:test";
import { readEvents, readReference } from "../flue/recordings.ts";
import { Project } from "./support/project.ts";

// Replays what is posted, and answers the names and attributes of the spans in the order in which they ended.
const worker = `import { createOpenTelemetryObserver } from "isotel/flue";
export default {
  async fetch(request) {
    const ended = [];
    const tracer = {
      startSpan(name, options) {
        const attributes = { ...options.attributes };
        return {
          spanContext: () => ({ traceId: "1".repeat(32), spanId: "1".repeat(16), traceFlags: 1 }),
          setAttributes: (more) => Object.assign(attributes, more),
          addEvent() {},
          setStatus() {},
          recordException() {},
          end: () => ended.push({ name, attributes }),
        };
      },
    };
    const observe = createOpenTelemetryObserver({ tracer, exportContent: (event) => event });
    for (const { event, ctx } of await request.json()) observe(event, ctx);
    return Response.json({ ended, counts: observe.diagnostics() });
  },
};`;

const config = { name: "flue", main: "flue.js", compatibility_date: "2026-11-17" };

interface Answer {
  readonly ended: unknown;
  readonly counts: Readonly<Record<string, number>>;
}

describe("isotel/flue of the package, installed into a fresh project", () => {
  const project = new Project();
  before(async () => {
    await project.install(await project.pack());
    project.write("flue.js", worker);
    project.write("flue.json", config);
  });
  after(() => project.remove());

  test("a Worker that only observes Flue carries its module and no other", async () => {
    await project.run(
      "wrangler",
      "deploy",
      "--dry-run",
      "--config",
      "flue.json",
      "--outdir",
      "out",
    );
    const script = readFileSync(join(project.folder, "out/flue.js"), "utf8");
    const imports = script.matchAll(/^import \w+ from "\.\/\w+-(\w+\.wasm)"/gm);
    assert.deepEqual(
      Array.from(imports, ([, file]) => file),
      ["flue.wasm"],
    );
    assert.doesNotMatch(script, /isotel_span_open|isotel_aggregate_totals_apply/);
  });

  test("it observes in workerd what it observes in Node", async () => {
    env["WRANGLER_SEND_METRICS"] = "false";
    env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    const { createTestHarness } = await import("wrangler");
    const harness = createTestHarness({
      root: project.folder,
      workers: [{ configPath: "flue.json" }],
    });
    try {
      await harness.listen();
      const body = JSON.stringify(readEvents("v1beta1", "workflow-tool-task"));
      const response = await harness.fetch("/", { method: "POST", body });
      const { ended, counts } = (await response.json()) as Answer;
      const reference = readReference("workflow-tool-task", "content");
      assert.deepEqual(
        ended,
        reference.map(({ name, attributes }) => ({ name, attributes })),
      );
      assert.equal(counts["open_spans"], 0);
      assert.equal(counts["swallowed_errors"], 0);
    } finally {
      await harness.close();
    }
  });
});
