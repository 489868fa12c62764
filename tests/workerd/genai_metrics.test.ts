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

/** Samples of GenAI metrics that time does not change. */
async function scrape(app: LocalWorker): Promise<Map<string, number>> {
  const response = await app.fetch("/metrics");
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const isSteady = (name: string) =>
    /^(isotel_)?gen_ai_/.test(name) && !/_seconds_(sum|bucket)\{/.test(name);
  // In which frames fractions of a currency arrive decides about their last digits.
  const steady = [...samplesOf(text)].filter(([name]) => isSteady(name));
  return new Map(steady.map(([name, value]) => [name, Number(value.toPrecision(12))]));
}

const scripted =
  'gen_ai_operation_name="chat",gen_ai_provider_name="scripted",gen_ai_request_model="scripted-1"';
const given =
  'gen_ai_operation_name="chat",gen_ai_provider_name="scripted",gen_ai_request_model="given-1"';
const agentName = 'gen_ai_agent_name="weather"';

const seen = new Map<string, Map<string, number>>();

for (const [what, tail] of [
  ["nobody traces", "none"],
  ["that is traced", "sink"],
] as const) {
  describe(`GenAI metrics of a Worker ${what}`, () => {
    let app: LocalWorker;
    before(async () => {
      app = await startApp("genai_metrics", { tail, config });
    });
    after(() => app.close());

    const ask = async (path: string): Promise<unknown> => {
      const response = await app.fetch(path);
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return JSON.parse(text) as unknown;
    };

    test("its invocations are what this is about", async () => {
      assert.equal(await ask("/traced"), tail === "sink");
    });

    test("calls of both majors are measured, each of them once", async () => {
      const spoken = await ask("/v7/generate");
      assert.match(String(spoken), /degrees Celsius in Lisbon/);
      assert.equal(await ask("/v6/generate"), spoken);
      const pieces = await ask("/v7/stream");
      assert.equal(await ask("/v6/stream"), pieces);
      assert.equal(await ask("/v7/fail"), "RangeError");
      assert.equal(await ask("/v6/fail"), "RangeError");
      for (const sdk of ["v7", "v6"]) {
        assert.equal(await ask(`/${sdk}/pieces`), 5);
        assert.equal(await ask(`/${sdk}/pieces?read=2`), 2);
      }
      await eventually(async () => {
        const samples = await scrape(app);
        const expect = (name: string, value: number) =>
          assert.equal(samples.get(name), value, `${name}: ${JSON.stringify([...samples])}`);
        // Four runs of three model calls and two tools.
        expect(`gen_ai_invoke_agent_inference_calls_sum{${agentName}}`, 12);
        expect(`gen_ai_invoke_agent_tool_calls_sum{${agentName}}`, 8);
        expect(`gen_ai_invoke_agent_tool_calls_count{${agentName}}`, 4);
        // Half of them streamed, where the scripted model does not say its name.
        for (const labels of [scripted, `${scripted},gen_ai_response_model="scripted-1"`]) {
          const expectUsed = (kind: string, tokens: number) => {
            const all = `${labels},gen_ai_token_modality="unknown"`;
            expect(`gen_ai_client_inference_usage_${kind}_tokens_total{${all}}`, 2 * tokens);
          };
          expectUsed("input", 360);
          expectUsed("output", 78);
          expectUsed("cache_read_input", 128);
          expectUsed("cache_write_input", 64);
          expectUsed("reasoning_output", 24);
          expect(`gen_ai_client_inference_duration_seconds_count{${labels}}`, 6);
        }
        expect(
          `gen_ai_client_inference_duration_seconds_count{error_type="RangeError",${given}}`,
          2,
        );
        // Read to the end and left.
        expect(`gen_ai_client_inference_duration_seconds_count{${given}}`, 4);
        expect(`gen_ai_client_inference_time_to_first_chunk_seconds_count{${given}}`, 4);
        const tool = "gen_ai_execute_tool_duration_seconds_count";
        for (const name of ["lookup_weather", "convert_temperature"]) {
          const labels = `${agentName},gen_ai_tool_name="${name}",gen_ai_tool_type="function"`;
          expect(`${tool}{${labels}}`, 4);
        }
        const cost = samples.get(
          'isotel_gen_ai_cost_USD_total{gen_ai_provider_name="scripted",gen_ai_request_model="scripted-1"}',
        );
        const million = 1e6;
        const wanted = (4 * (232 * 1 + 128 * 0.25 + 78 * 4)) / million;
        assert.ok(Math.abs((cost ?? 0) - wanted) < 1e-12, `${cost} and not ${wanted}`);
      });
    });

    test("nothing was swallowed, and every span that was opened has ended", async () => {
      const counts = (await ask("/diagnostics")) as Record<string, number>;
      assert.equal(counts["swallowed_errors"], 0);
      assert.equal(counts["traps"], 0);
      assert.equal(counts["spans_opened"], counts["spans_ended"]);
      seen.set(tail, await scrape(app));
    });
  });
}

test("traced or not, the metrics are the same", () => {
  const chunks = /time_per_output_chunk/;
  // How many chunks arrive before a reader's leave is seen is a matter of time.
  const steady = (tail: string) =>
    [...(seen.get(tail) ?? [])].filter(([name]) => !chunks.test(name) || !name.includes(given));
  assert.ok(steady("none").length > 100);
  assert.deepEqual(steady("none").sort(), steady("sink").sort());
});
