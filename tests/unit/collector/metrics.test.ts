import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectorMetrics } from "../../../bindings/collector/metrics/self_metrics.ts";
import { SpanMetrics } from "../../../bindings/collector/metrics/span_metrics.ts";
import { CollectorCounts } from "../../../bindings/collector/spans/counts.ts";
import {
  GenAiMetrics,
  HttpServerMetrics,
  InvocationMetrics,
} from "../../../bindings/metrics/built_in.ts";
import { readGenAi } from "../../../bindings/metrics/genai_options.ts";
import { collectingTo, MadeInvocation, play, recordedStream } from "../support/collecting.ts";
import { metering } from "../support/metering.ts";

function measured({ measuresAgain = false } = {}) {
  const own = metering();
  const genAi = new GenAiMetrics(own.meter);
  genAi.use(readGenAi({ prices: { m: { input: 1, output: 2 } } }, assert.fail));
  own.meter.core();
  const http = new HttpServerMetrics(own.meter);
  const invocations = new InvocationMetrics(own.meter);
  const metrics = new SpanMetrics({ meter: own.meter, http, invocations }, own.meter.host, {
    measuresAgain,
  });
  const route = ({ url }: Request) => (url.includes("/users/") ? "/users/:id" : undefined);
  const to = collectingTo(undefined, { otlp: { route } }, { metrics });
  /** Samples that are no empty buckets, by name and labels. */
  const samples = (part: string): Record<string, number> =>
    Object.fromEntries(
      own
        .collect()
        .text.split("\n")
        .filter((line) => !line.startsWith("#") && !/_created|_bucket/.test(line))
        .filter((line) => line.includes(part))
        .map((line) => line.split(/ (?=[^ ]+$)/) as [string, string])
        .map(([name, value]) => [name, Number(value)]),
    );
  return { ...to, samples, warnings: own.warnings };
}

function request(url: string): TailStream.FetchEventInfo {
  return { type: "fetch", method: "GET", url, headers: [] };
}

function requestTo(url: string, status: number, outcome: TailStream.EventOutcome = "ok") {
  const made = new MadeInvocation({ info: request(url) });
  return made
    .event({ type: "return", info: { type: "fetch", statusCode: status } })
    .outcome(outcome);
}

describe("metrics of invocations", () => {
  test("are by service, trigger, route and outcome, without a warning", () => {
    const { collecting, samples, warnings } = measured();
    play(collecting, requestTo("https://x.example/users/7", 200).events);
    play(collecting, requestTo("https://x.example/users/8", 200).events);
    play(collecting, requestTo("https://x.example/any/path", 500, "exception").events);
    const info = { type: "queue", queueName: "jobs", batchSize: 3 } as const;
    play(collecting, new MadeInvocation({ info, scriptName: "stock" }).outcome().events);
    assert.deepEqual(samples("faas_invoke_duration_seconds_count"), {
      'faas_invoke_duration_seconds_count{cloudflare_handler_type="fetch",cloudflare_outcome="exception",faas_trigger="http",service_name="shop"}': 1,
      'faas_invoke_duration_seconds_count{cloudflare_handler_type="fetch",cloudflare_outcome="ok",faas_trigger="http",http_route="/users/:id",service_name="shop"}': 2,
      'faas_invoke_duration_seconds_count{cloudflare_handler_type="queue",cloudflare_outcome="ok",faas_trigger="pubsub",service_name="stock"}': 1,
    });
    const cpu = samples("faas_cpu_usage_seconds_sum");
    assert.equal(
      Object.values(cpu)
        .reduce((sum, value) => sum + value)
        .toFixed(3),
      "0.012",
    );
    assert.deepEqual(warnings, []);
  });

  test("of requests are those that withTelemetry records", () => {
    const { collecting, samples } = measured();
    play(collecting, requestTo("https://x.example/users/7", 200).events);
    play(collecting, requestTo("https://x.example/", 503).events);
    assert.deepEqual(samples("http_server_request_duration_seconds_count"), {
      'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/users/:id",url_scheme="https"}': 1,
      'http_server_request_duration_seconds_count{error_type="503",http_request_method="GET",http_response_status_code="503",url_scheme="https"}': 1,
    });
    // From the onset to the answer, whatever comes after it.
    for (const seconds of Object.values(samples("http_server_request_duration_seconds_sum"))) {
      assert.equal(seconds.toFixed(4), "0.0010");
    }
  });

  test("leave out a Durable Object's requests as those of servers", () => {
    const { collecting, samples } = measured();
    const info = request("https://x.example/");
    const made = new MadeInvocation({ info, executionModel: "durableObject" });
    play(collecting, made.outcome().events);
    assert.deepEqual(samples("http_server"), {});
    assert.equal(Object.keys(samples("faas_invoke_duration_seconds_count")).length, 1);
  });

  test("have a limited number of routes of each service", () => {
    const { collecting, samples } = measured();
    for (const scriptName of ["shop", "blog"]) {
      for (let i = 0; i < 103; i += 1) {
        const info = request("https://x.example/");
        const made = new MadeInvocation({ info, scriptName, executionModel: "durableObject" });
        made.attributes({ "http.route": `/${scriptName}/${i}` });
        play(collecting, made.outcome().events);
      }
    }
    const counts = samples("faas_invoke_duration_seconds_count");
    for (const service of ["shop", "blog"]) {
      const of = (route: string) =>
        Object.entries(counts).filter(
          ([name]) => name.includes(`service_name="${service}"`) && name.includes(`"${route}"`),
        );
      assert.deepEqual(
        of("_OTHER").map(([, count]) => count),
        [3],
      );
      assert.equal(of(`/${service}/99`).length, 1);
      assert.equal(of(`/${service}/100`).length, 0);
    }
  });

  test("have no label of a path, however long the route", () => {
    const { collecting, samples } = measured();
    const info = request("https://x.example/secret/path");
    play(collecting, new MadeInvocation({ info }).outcome().events);
    const made = new MadeInvocation({ info }).attributes({ "http.route": "/x".repeat(500) });
    play(collecting, made.outcome().events);
    assert.equal(Object.keys(samples("http_server_request_duration_seconds_count")).length, 1);
    assert.doesNotMatch(JSON.stringify(samples("")), /secret|\/x/);
  });
});

describe("metrics of GenAI spans", () => {
  const agent = "gen_ai_invoke_agent_";

  test("are those of a recorded call, as its Worker would record them", () => {
    const { collecting, samples } = measured();
    play(collecting, recordedStream("ai"));
    const labels =
      '{gen_ai_operation_name="chat",gen_ai_provider_name="scripted",gen_ai_request_model="scripted-1",gen_ai_response_model="scripted-1"}';
    const all = samples("gen_ai");
    assert.equal(all[`gen_ai_client_inference_duration_seconds_count${labels}`], 3);
    assert.equal(all[`gen_ai_client_inference_operation_input_tokens_sum${labels}`], 360);
    assert.equal(all[`gen_ai_client_inference_operation_output_tokens_sum${labels}`], 78);
    assert.equal(all[`${agent}inference_calls_sum`], 3);
    assert.equal(all[`${agent}tool_calls_sum`], 2);
    const tool = (name: string) =>
      `gen_ai_execute_tool_duration_seconds_count{gen_ai_tool_name="${name}",gen_ai_tool_type="function"}`;
    assert.equal(all[tool("lookup_weather")], 1);
    assert.equal(all[tool("convert_temperature")], 1);
  });

  const chat = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "p",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 1_000_000n,
    "gen_ai.usage.output_tokens": 500_000,
  };

  test("count tokens of any integer, cost and time to the first chunk", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    made.span("chat m", { ...chat, "gen_ai.response.time_to_first_chunk": 0.25 });
    play(collecting, made.outcome().events);
    const all = samples("gen_ai");
    const labels = 'gen_ai_operation_name="chat",gen_ai_provider_name="p",gen_ai_request_model="m"';
    assert.equal(all[`gen_ai_client_inference_operation_input_tokens_sum{${labels}}`], 1e6);
    assert.equal(all[`gen_ai_client_inference_time_to_first_chunk_seconds_sum{${labels}}`], 0.25);
    const cost = Object.entries(all).find(([name]) => name.startsWith("isotel_gen_ai_cost"));
    assert.equal(cost?.[1], 2);
  });

  test("count the cost that a span has, rather than that of the prices", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    made.span("chat m", { ...chat, "cloudflare.agents.usage.cost.amount": 0.25 });
    made.span("chat n", {
      ...chat,
      "gen_ai.request.model": "n",
      "cloudflare.agents.usage.cost.amount": 0.5,
    });
    play(collecting, made.outcome().events);
    assert.deepEqual(samples("isotel_gen_ai_cost"), {
      'isotel_gen_ai_cost_USD_total{gen_ai_provider_name="p",gen_ai_request_model="m"}': 0.25,
      'isotel_gen_ai_cost_USD_total{gen_ai_provider_name="p",gen_ai_request_model="n"}': 0.5,
    });
  });

  test("count the request of a client's tool as a tool call, its answer as none, and no duration", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    for (const name of ["tool.request", "tool.answer"]) {
      const tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "confirm",
        "cloudflare.agents.operation.name": name,
        "cloudflare.agents.tool.runs_on_client": true,
      };
      made.span(
        "invoke_agent",
        { "gen_ai.operation.name": "invoke_agent" },
        { inside: (parent) => void made.span("execute_tool confirm", tool, { parent }) },
      );
    }
    play(collecting, made.outcome().events);
    assert.deepEqual(samples("execute_tool"), {});
    assert.equal(samples(agent)[`${agent}tool_calls_sum`], 1);
    assert.equal(samples(agent)[`${agent}tool_calls_count`], 2);
  });

  test("tell failures by their type", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation().span("chat m", { ...chat, "error.type": "APICallError" });
    play(collecting, made.outcome().events);
    const failed = Object.keys(samples('error_type="APICallError"'));
    assert.ok(failed.some((name) => name.startsWith("gen_ai_client_inference_duration")));
  });

  test("take approvals and operations nobody knows for none", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    made.span("tool_approval pay", { "gen_ai.operation.name": "execute_tool" });
    made.span("x", { "gen_ai.operation.name": "of_tomorrow" });
    play(collecting, made.outcome().events);
    assert.deepEqual(samples("gen_ai"), {});
  });

  test("find the agent of a call through other spans", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    made.span(
      "invoke_agent",
      { "gen_ai.operation.name": "invoke_agent" },
      {
        inside: (agentId) =>
          void made.span(
            "retry",
            {},
            {
              parent: agentId,
              inside: (retryId) => void made.span("chat m", chat, { parent: retryId }),
            },
          ),
      },
    );
    play(collecting, made.outcome().events);
    assert.equal(samples(agent)[`${agent}inference_calls_sum`], 1);
  });

  test("know who called whom when all begins and ends at once", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    const tool = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search" };
    made.span(
      "invoke_agent",
      { "gen_ai.operation.name": "invoke_agent" },
      {
        inside: (agentId) =>
          void made.span("chat m", chat, {
            parent: agentId,
            // Run by the provider: the agent made the call that made it run.
            inside: (chatId) => void made.span("execute_tool search", tool, { parent: chatId }),
          }),
      },
    );
    const timestamp = new Date(1_700_000_000_000);
    play(
      collecting,
      made.outcome().events.map((event) => ({ ...event, timestamp })),
    );
    assert.equal(samples(agent)[`${agent}inference_calls_sum`], 1);
    assert.equal(samples(agent)[`${agent}tool_calls_sum`], 1);
  });

  test("are recorded of sampled-out spans too", () => {
    const { collecting, samples, counts } = measured();
    const made = new MadeInvocation({}, { traceFlags: 0 }).span("chat m", chat);
    play(collecting, made.outcome().events);
    assert.equal(counts.spans_sampled_out, 2);
    assert.ok(Object.keys(samples("gen_ai_client_inference_duration")).length > 0);
  });

  test("do not wait for the end of an invocation with much in them", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    const content = "x".repeat(100_000);
    for (let i = 0; i < 100; i += 1) made.span("chat m", { ...chat, content });
    play(collecting, made.events);
    const counts = samples("gen_ai_client_inference_duration_seconds_count");
    assert.equal(Object.values(counts)[0], 80);
  });

  test("stay bounded in an invocation that does not end", () => {
    const { collecting, samples } = measured();
    const made = new MadeInvocation();
    for (let i = 0; i < 1_500; i += 1) made.span("chat m", chat);
    play(collecting, made.events);
    const counts = samples("gen_ai_client_inference_duration_seconds_count");
    assert.equal(Object.values(counts)[0], 1_024);
    collecting.sweep();
    const swept = samples("gen_ai_client_inference_duration_seconds_count");
    assert.equal(Object.values(swept)[0], 1_500);
  });
});

test("every count of what was dropped is a metric, and there is none without a count", () => {
  const shown = collectorMetrics.flatMap(({ counts }) => Object.values(counts)).sort();
  // A sum of others, and what was not dropped.
  const others = ["collector_spans_opened", "collector_logs"];
  const counted = Object.keys(new CollectorCounts()).map((name) => `collector_${name}`);
  assert.deepEqual(shown, counted.filter((name) => !others.includes(name)).sort());
});

describe("an invocation whose Worker measures it", () => {
  function marked(mark: string) {
    const info = request("https://x.example/");
    const made = new MadeInvocation({ info });
    made.span("chat m", { "gen_ai.operation.name": "chat" });
    return made.attributes({ "isotel.measured": mark }).outcome().events;
  }

  for (const [mark, http, genAi] of [
    ["duration gen_ai", 0, 0],
    ["duration", 0, 1],
    ["gen_ai", 1, 0],
    ["of tomorrow", 1, 1],
  ] as const) {
    test(`by the mark "${mark}" is not measured again`, () => {
      const { collecting, samples } = measured();
      play(collecting, marked(mark));
      const requests = Object.values(samples("http_server_request_duration_seconds_count"));
      const calls = Object.values(samples("gen_ai_client_inference_duration_seconds_count"));
      assert.deepEqual([requests.length, calls.length], [http, genAi]);
      assert.equal(Object.keys(samples("faas_invoke_duration_seconds_count")).length, 1);
    });
  }

  for (const [mark, count] of [
    ["duration", 0],
    ["gen_ai", 1],
  ] as const) {
    test(`by the mark "${mark}" has its CPU time measured, whatever its kind`, () => {
      const { collecting, samples } = measured();
      const info = { type: "queue", queueName: "jobs", batchSize: 3 } as const;
      const made = new MadeInvocation({ info });
      play(collecting, made.attributes({ "isotel.measured": mark }).outcome().events);
      const counts = samples("faas_invoke_duration_seconds_count");
      assert.equal(Object.keys(counts).length, count);
      assert.equal(Object.keys(samples("faas_cpu_usage_seconds_count")).length, 1);
    });
  }

  test("is measured all the same where that is asked for", () => {
    const { collecting, samples } = measured({ measuresAgain: true });
    play(collecting, marked("duration gen_ai"));
    assert.equal(Object.keys(samples("http_server_request_duration_seconds_count")).length, 1);
    const calls = samples("gen_ai_client_inference_duration_seconds_count");
    assert.equal(Object.keys(calls).length, 1);
  });
});
