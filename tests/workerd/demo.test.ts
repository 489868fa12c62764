import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";

const program = join(import.meta.dirname, "../../worker/demo/run.ts");

function demo(...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...options], {
    encoding: "utf8",
    timeout: 60_000,
    // The test runner's own settings are not for this program.
    env: { ...process.env, NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined },
  });
  return { status, stdout, stderr };
}

describe("the demo", () => {
  test("draws the tree of each request and ends with 0", () => {
    const { status, stdout, stderr } = demo();
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
    assert.match(stdout, /├─ execute_tool lookup_weather +\d+ ms {2}error +call_weather, Weather/);
    assert.match(stdout, /^ *4 {2}gen_ai_invoke_agent_duration_seconds_count\{/m);
    assert.match(stdout, /^\d+ spans of 4 requests arrived, all that were expected\.$/m);
    assert.equal(stdout.includes("\u001b"), false, "no colours in a pipe");
  });

  test("--json prints the spans, the metrics, the module's size and the versions, and nothing else", () => {
    const { status, stdout, stderr } = demo("--json");
    assert.equal(status, 0, stderr);
    const { spans, metrics, wasm, runtime, ...others } = JSON.parse(stdout);
    assert.deepEqual(others, {});
    assert.ok(wasm.gzipBytes > 0 && wasm.bytes > wasm.gzipBytes, JSON.stringify(wasm));
    assert.match(runtime.workerd, /^\d+\.\d+/);
    assert.ok(spans.length > 0);
    assert.ok(Object.values(metrics).every(Number.isFinite));
    assert.ok(Object.keys(metrics).some((series) => series.startsWith("gen_ai_")));
    for (const span of spans) {
      assert.deepEqual(Object.keys(span), [
        "name",
        "spanId",
        "parentSpanId",
        "traceId",
        "durationMs",
        "status",
        "attributes",
      ]);
    }
  });

  test("an unknown option is wrong usage", () => {
    const { status, stdout, stderr } = demo("--jsn");
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^Unknown option '--jsn'\n\nUsage: npm run demo/);
  });

  test("--help goes to standard output", () => {
    const { status, stdout } = demo("--help");
    assert.equal(status, 0);
    assert.match(stdout, /--json +print/);
  });
});
