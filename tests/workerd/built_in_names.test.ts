import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

const config = {
  durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
};

for (const defined of ["import", "later"] as const) {
  const when = defined === "import" ? "as its modules are loaded" : "after built-in ones were used";
  describe(`a Worker that defines metrics with built-in names ${when}`, () => {
    let app: LocalWorker;
    before(async () => {
      const options = { tail: "none", config: { ...config, vars: { DEFINED: defined } } } as const;
      app = await startApp("built_in_names", options);
    });
    after(() => app.close());

    const ask = async (path: string) => (await (await app.fetch(path)).json()) as string[];
    const scrape = async () => samplesOf(await (await app.fetch("/metrics")).text());
    const sum = (samples: Map<string, number>, pattern: RegExp) =>
      [...samples].reduce((all, [name, value]) => (pattern.test(name) ? all + value : all), 0);
    const builtIn = {
      requests: /^http_server_request_duration_seconds_count\{.*http_request_method=/,
      tokens: /^gen_ai_client_inference_usage_output_tokens_total\{.*gen_ai_request_model=/,
      calls: /^gen_ai_client_inference_duration_seconds_count/,
      others: /^gen_ai_client_inference_operation_output_tokens_count/,
    };

    // Beside the values of a built-in metric, one of the Worker with other buckets or another name is a variant.
    const variant = defined === "import" ? "" : ',isotel_definition="[0-9a-f]{8}"';
    const ownRequests = new RegExp(
      `^http_server_request_duration_seconds_count\\{method="GET"${variant}\\}$`,
    );
    const ownTokens = new RegExp(
      `^gen_ai_client_inference_usage_output_tokens_total\\{team="blue"${variant}\\}$`,
    );

    if (defined === "later") {
      test("what is built in is recorded until then", async () => {
        await ask("/generate");
        await eventually(async () => {
          await ask("/");
          const samples = await scrape();
          assert.equal(sum(samples, builtIn.calls), 1);
          assert.ok(sum(samples, builtIn.tokens) > 0);
          assert.ok(sum(samples, builtIn.requests) > 0);
        });
        await ask("/define");
      });
    }

    test("every record of its own arrives, and nothing built in is recorded under these names", async () => {
      // The request that has defined them has ended by the time of the next frame.
      await ask("/record");
      await eventually(async () => {
        await ask("/");
        assert.equal((await scrape()).get("orders_total"), 1);
      });
      const before = await scrape();
      for (let times = 0; times < 3; times += 1) await ask("/record");
      await ask("/generate");
      await eventually(async () => {
        await ask("/");
        const samples = await scrape();
        assert.equal(samples.get("orders_total"), 4);
        const own = [...samples].filter(([name]) => ownRequests.test(name));
        assert.deepEqual(
          own.map(([, count]) => count),
          [4],
          JSON.stringify(
            [...samples].filter(([name]) => name.startsWith("http")),
            null,
            1,
          ),
        );
        assert.equal(sum(samples, ownTokens), 4_000);
        assert.equal(samples.get("gen_ai_client_inference_duration_total"), 4);
        assert.equal(sum(samples, builtIn.others), sum(before, builtIn.others) + 1);
      });
      const samples = await scrape();
      for (const name of ["requests", "tokens", "calls"] as const) {
        assert.equal(sum(samples, builtIn[name]), sum(before, builtIn[name]), name);
      }
      assert.equal(sum(samples, /^isotel_metrics_records_dropped_total/), 0);
    });

    test("the console has said once which built-in metrics give way", async () => {
      const said = (await ask("/")).filter((message) => message.includes("not recorded"));
      const expected =
        defined === "import"
          ? [
              /^isotel: 2 built-in metrics of AI calls are not recorded: the Worker defines/,
              /^isotel: the built-in metric "http\.server\.request\.duration" is not recorded/,
            ]
          : [
              "http\\.server\\.request\\.duration",
              "gen_ai_client\\w+",
              "gen_ai\\.client[.\\w]+",
            ].map(
              (name) =>
                new RegExp(`^isotel: the built-in metric that conflicts with "${name}" is not`),
            );
      assert.equal(said.length, expected.length, JSON.stringify(said, null, 1));
      for (const pattern of expected) {
        assert.ok(
          said.some((message) => pattern.test(message)),
          JSON.stringify(said, null, 1),
        );
      }
    });
  });
}
