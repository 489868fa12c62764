import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { demoConfig, scrapeToken } from "../../worker/demo/environment.ts";
import { type LocalWorker, startWorkers } from "../harness/start.ts";
import { eventually } from "../workerd/harness/eventually.ts";
import { sendTraffic } from "./support/traffic.ts";
import { problemsOf } from "./support/validate_text.ts";

const openMetrics = "application/openmetrics-text;version=1.0.0";

describe("what the reference Worker serves", () => {
  let worker: LocalWorker;
  const scrape = async (accept: string): Promise<string> => {
    const headers = { authorization: `Bearer ${scrapeToken}`, accept };
    const response = await worker.fetch("/metrics", { headers });
    assert.equal(response.status, 200);
    return response.text();
  };
  before(async () => {
    worker = await startWorkers([demoConfig()]);
    await sendTraffic(worker, {
      chats: 2,
      streams: 1,
      failures: 1,
      resolves: 3,
      unknownFlags: 1,
    });
    await eventually(async () => {
      assert.match(
        await scrape("text/plain"),
        /^gen_ai_invoke_agent_duration_seconds_count\{.* 4$/m,
      );
    }, 20_000);
  });
  after(() => worker?.close());

  test("as text has no fault that a strict reader finds", async () => {
    assert.deepEqual(problemsOf(await scrape("text/plain;version=0.0.4"), false), []);
  });

  test("as OpenMetrics has none either", async () => {
    assert.deepEqual(problemsOf(await scrape(openMetrics), true), []);
  });

  test("is what promtool likes, but for the names other resolvers have too", async () => {
    const input = await scrape("text/plain;version=0.0.4");
    const { stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input,
      encoding: "utf8",
    });
    const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
    assert.ok(complaints.length > 0, "promtool says nothing at all");
    for (const complaint of complaints) {
      assert.match(complaint, /^confidence_resolve_latency_microseconds /);
    }
  });
});

test("the strict reader finds what is wrong", () => {
  const faults: readonly (readonly [text: string, problem: RegExp])[] = [
    ["# HELP a b\n# TYPE a counter\na_total 1\na_total 2\n", /a_total\{.*is given twice/],
    [
      "# HELP a b\n# TYPE a gauge\na 1\n# HELP c d\n# TYPE c gauge\nc 1\n# HELP a b\n",
      /a is in more/,
    ],
    [
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 3\na_bucket{le="+Inf"} 2\na_sum 1\na_count 2\n',
      /shrinks at le=\+Inf/,
    ],
    [
      '# HELP a b\n# TYPE a histogram\na_bucket{le="+Inf"} 2\na_sum 1\na_count 3\n',
      /2 values in buckets and 3 in all/,
    ],
    ['# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_sum 1\na_count 2\n', /no bucket \+Inf/],
    ["# HELP a b\n# TYPE a gauge\nb 1\n", /b is no sample of the gauge a/],
    ["# TYPE a gauge\na 1\n", /a has no HELP/],
    ["# HELP a b\n# TYPE a gauge\na 1", /does not end/],
    ["", /there are no families/],
  ];
  for (const [text, problem] of faults) assert.match(problemsOf(text, false).join("\n"), problem);
  assert.match(problemsOf("# HELP a b\n# TYPE a gauge\na 1\n", true).join(), /no # EOF/);
});
