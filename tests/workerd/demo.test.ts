import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { parseSamples, quantile, summarize } from "../../worker/demo/metrics.ts";
import { withoutMetrics } from "../../worker/demo/report.ts";
import { spansFromEvents } from "../harness/spans.ts";
import { root } from "../harness/start.ts";
import { Random } from "../wasm/support/random.ts";

const program = join(root, "worker/demo/run.ts");

function demo(...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...options], {
    encoding: "utf8",
    timeout: 60_000,
    // The test runner's own settings are not for this program.
    env: { ...process.env, NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined },
  });
  return { status, stdout, stderr };
}

/** A section of the report: what is printed below a heading, up to the next empty line. */
function section(report: string, heading: string): string[] {
  const lines = report.split("\n");
  const start = lines.indexOf(heading);
  assert.notEqual(start, -1, `no section "${heading}"`);
  return lines.slice(start + 1, lines.indexOf("", start));
}

/** The report without what differs from run to run: times, and the columns they widen. */
function withoutTimes(report: string): string {
  return report.replace(/[\d.]+ m?s\b/g, "TIME").replace(/ +/g, " ");
}

describe("what the demo prints for a person", () => {
  let report: ReturnType<typeof demo>;
  before(() => {
    report = demo();
  });

  test("it draws the tree of each request and ends with 0", () => {
    const { status, stdout, stderr } = report;
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
    assert.match(
      stdout,
      /├─ execute_tool lookup_weather +\d+ ms {2}WeatherUnavailable, call_weather\n/,
    );
    const trees = stdout.slice(0, stdout.indexOf("What /metrics shows"));
    const spans = trees.split("\n").filter((line) => / m?s(?: {2}|$)/.test(line));
    const [, arrived] =
      /^(\d+) spans of 4 requests arrived, all that were expected\.$/m.exec(stdout) ?? [];
    assert.equal(spans.length, Number(arrived), stdout);
  });

  test("no line is wider than 110 columns, and none has colours in a pipe", () => {
    const wide = report.stdout.split("\n").filter((line) => line.length > 110);
    assert.deepEqual(wide, []);
    assert.equal(report.stdout.includes("\u001b"), false);
  });

  test("the sends of its own metrics, and the wait for them, are in no tree", () => {
    assert.doesNotMatch(report.stdout, /queue_send|jsrpc|isotel:flush/i);
  });

  test("the metrics are at most a dozen lines: calls, tokens, cost and quantiles", () => {
    const lines = section(report.stdout, "What /metrics shows, in short");
    assert.ok(lines.length <= 12, lines.join("\n"));
    const time = String.raw`[\d.]+ m?s`;
    for (const line of [
      `chat scripted-1 +11 +${time} +${time}`,
      `  first chunk +6 +${time} +${time}`,
      String.raw`  tokens +1160 in \(384 cached\), 254 out \(80 reasoning\)`,
      String.raw`  cost +0\.0019 USD`,
      `invoke_agent weather-agent +4 +${time} +${time}  11 model calls, 7 tool calls`,
      `execute_tool lookup_weather +4 +${time} +${time}  1 WeatherUnavailable`,
      "flags resolved +2 +1 MATCH, 1 FLAG_NOT_FOUND",
    ]) {
      assert.ok(
        lines.some((drawn) => new RegExp(`^${line}$`).test(drawn)),
        `${line} is none of\n${lines.join("\n")}`,
      );
    }
  });

  test("what it says to try next exists", () => {
    const steps = section(report.stdout, "What to try next").join("\n");
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const commands = [...steps.matchAll(/^npm (?:run )?(\w+)/gm)].map(([, name = ""]) => name);
    assert.deepEqual(commands, ["start", "test"]);
    for (const name of commands) assert.ok(name in scripts, name);
    const documents = steps.match(/docs\/[\w-]+\.md/g) ?? [];
    assert.equal(documents.length, 3);
    for (const path of documents) assert.ok(existsSync(join(root, path)), path);
  });

  test("the example in README.md is a part of it", () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const [, example = ""] = /Part of its output:\n\n```\n(.*?)```/s.exec(readme) ?? [];
    const parts = example.trim().split("\n\n");
    assert.equal(parts.length, 2);
    for (const part of parts) {
      assert.ok(withoutTimes(report.stdout).includes(withoutTimes(part)), part);
    }
  });
});

describe("the parts of the demo's report", () => {
  const at = (ms: number) => new Date(ms).toISOString();
  const sends = spansFromEvents(
    [
      { type: "onset", spanId: "1", info: { type: "fetch", method: "GET", url: "http://a/" } },
      { type: "spanOpen", spanId: "2", name: "queue_send" },
      { type: "return" },
    ].map((event, sequence) => ({
      event,
      invocationId: "i",
      sequence,
      timestamp: at(sequence),
      spanContext: { traceId: "t", spanId: "1" },
    })) as unknown as Parameters<typeof spansFromEvents>[0],
  );

  test("sends to a queue stay in the tree when the Worker has another queue than that of metrics", () => {
    const telemetry = { binding: "TELEMETRY_QUEUE" };
    const namesOf = (producers: readonly { binding: string }[]) =>
      withoutMetrics(sends, producers).map(({ name }) => name);
    assert.deepEqual(namesOf([telemetry]), ["GET /"]);
    assert.deepEqual(namesOf([telemetry, { binding: "ORDERS" }]), ["GET /", "queue_send"]);
    assert.deepEqual(namesOf([{ binding: "ORDERS" }]), ["GET /", "queue_send"]);
  });

  test("a quantile lies in the bucket of the value with its rank", () => {
    const random = new Random(5);
    const bounds = [1, 2, 4, 8, 16, Number.POSITIVE_INFINITY];
    for (let round = 0; round < 500; round += 1) {
      const values = Array.from({ length: 1 + random.below(20) }, () => 1 + random.below(30)).sort(
        (a, b) => a - b,
      );
      const buckets = bounds.map(
        (bound) => [bound, values.filter((value) => value <= bound).length] as const,
      );
      for (const q of [0.01, 0.5, 0.95, 1]) {
        const ranked = values[Math.ceil(q * values.length) - 1] as number;
        const index = bounds.findIndex((bound) => ranked <= bound);
        const lower = bounds[index - 1] ?? 0;
        // Above the last finite bound that bound is all that is known.
        const upper = index === bounds.length - 1 ? lower : (bounds[index] as number);
        const estimate = quantile(q, buckets) as number;
        assert.ok(estimate >= lower && estimate <= upper, `${q} of ${values}: ${estimate}`);
      }
    }
    assert.equal(quantile(0.5, []), undefined);
    assert.equal(quantile(0.5, [[Number.POSITIVE_INFINITY, 0]]), undefined);
  });

  test("series that differ in other labels are one row", () => {
    const tool = 'gen_ai_tool_name="look_up"';
    const name = "gen_ai_execute_tool_duration_seconds";
    const [row, ...others] = summarize(
      parseSamples(
        [
          `${name}_bucket{${tool},le="0.5"} 1`,
          `${name}_bucket{${tool},le="1"} 1`,
          `${name}_bucket{${tool},le="+Inf"} 1`,
          `${name}_count{${tool}} 1`,
          `${name}_bucket{error_type="RangeError",${tool},le="0.5"} 0`,
          `${name}_bucket{error_type="RangeError",${tool},le="1"} 3`,
          `${name}_bucket{error_type="RangeError",${tool},le="+Inf"} 3`,
          `${name}_count{error_type="RangeError",${tool}} 3`,
        ].join("\n"),
      ),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(row?.details, ["3 RangeError"]);
    assert.deepEqual([row?.what, row?.count], ["execute_tool look_up", 4]);
    assert.ok(row?.p95 !== undefined && row.p95 > 0.5 && row.p95 <= 1, String(row?.p95));
  });
});

describe("the demo's options", () => {
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
