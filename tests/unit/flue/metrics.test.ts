import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FlueMetrics } from "../../../bindings/flue/flue_metrics.ts";
import { FlueObserver, type FlueSemconv } from "../../../bindings/flue/flue_observer.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { type EventContext, readEvents, scenariosV3 } from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";
import { type Measuring, measuring } from "../support/measuring.ts";
import { RecordingSink } from "../support/recording_sink.ts";

interface Point {
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly count: number;
  readonly sum: number;
}

/** The metrics the original adapter makes of a recording, which keeps labels of servers. */
function readMetrics(scenario: string): { name: string; unit: string; points: Point[] }[] {
  const file = `../../flue/data/refspans-v2.1.0-${scenario}.json`;
  return JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")).metrics;
}

/** As samples of an exposition. */
function samplesOf(scenario: string, changed: (point: Point) => Point): Record<string, number> {
  const samples: [string, number][] = [];
  for (const { name, unit, points } of readMetrics(scenario)) {
    const family = name.replaceAll(".", "_") + (unit === "s" ? "_seconds" : "");
    // The conventions have required the operation since v0.1.0. The adapter follows an earlier text.
    const operation = name === "gen_ai.invoke_agent.duration" && {
      "gen_ai.operation.name": "invoke_agent",
    };
    for (const point of points) {
      const { attributes, count, sum } = changed(point);
      const labels = Object.entries({ ...attributes, ...operation })
        .filter(([key]) => !key.startsWith("server."))
        .map(([key, value]) => `${key.replaceAll(".", "_")}="${value}"`)
        .sort()
        .join(",");
      samples.push([`${family}_count{${labels}}`, count], [`${family}_sum{${labels}}`, sum]);
    }
  }
  return Object.fromEntries(samples.sort());
}

/** What is here under the names of the original adapter. */
const names =
  /^gen_ai_(client_operation_duration|client_token_usage|invoke_agent_duration|execute_tool_duration)/;

function told(measured: Measuring): Record<string, number> {
  const entries = Object.entries(measured.samples())
    .filter(([name]) => names.test(name) && !name.includes("_bucket{"))
    .map(([name, value]): [string, number] => [name, Math.round(value * 1e6) / 1e6]);
  return Object.fromEntries(entries.sort());
}

function observing(measured: Measuring, sink = new RecordingSink(), semconv?: FlueSemconv) {
  const metrics = new FlueMetrics(() => measured.telemetry);
  return new FlueObserver(newHost(), sink, { semconv }, Date.now, metrics);
}

function replay(
  events: readonly EventContext[],
  ...observers: ReturnType<typeof observing>[]
): void {
  for (const { event, ctx } of events) for (const one of observers) one.observe(event, ctx);
  for (const one of observers) assert.equal(one.diagnostics()["swallowed_errors"], 0);
}

/** Work that was cancelled is no error here, as in the metrics of an AI SDK's calls. */
function withoutCancellation(point: Point): Point {
  const { "error.type": type, ...attributes } = point.attributes;
  return type === undefined ? point : { ...point, attributes };
}

describe("GenAI metrics of Flue", () => {
  for (const scenario of scenariosV3) {
    test(`${scenario}: under former names they are those of the original adapter`, () => {
      const changed = scenario === "aborted" ? withoutCancellation : (point: Point) => point;
      const expected = samplesOf(scenario, changed);
      assert.ok(Object.keys(expected).length > 0);
      // Whatever the names of the spans.
      for (const semconv of ["flue", "gen_ai"] as const) {
        const measured = measuring(noopRuntime, { formerNames: true });
        const observer = observing(measured, new RecordingSink(), semconv);
        replay(readEvents("v2.1.0", scenario), observer);
        assert.deepEqual(told(measured), expected);
      }
    });
  }

  test("version 1: turns, tools and agents, delegated ones by their own name", () => {
    const measured = measuring(noopRuntime);
    replay(readEvents("v1beta1", "workflow-tool-task"), observing(measured));
    const counts = Object.entries(measured.samples("duration_seconds_count"));
    assert.deepEqual(Object.fromEntries(counts), {
      'gen_ai_client_inference_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="faux",gen_ai_request_model="child",gen_ai_response_model="child"}': 2,
      'gen_ai_client_inference_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="faux",gen_ai_request_model="parent",gen_ai_response_model="parent"}': 2,
      'gen_ai_execute_tool_duration_seconds_count{gen_ai_tool_name="lookup",gen_ai_tool_type="function"}': 1,
      'gen_ai_invoke_agent_duration_seconds_count{gen_ai_operation_name="invoke_agent"}': 1,
      'gen_ai_invoke_agent_duration_seconds_count{gen_ai_agent_name="summarizer",gen_ai_operation_name="invoke_agent"}': 2,
    });
  });

  test("version 1: input tokens include cached ones, and models have their price", () => {
    const prices = { parent: { input: 1_000_000, output: 0, cacheRead: 0, cacheWrite: 0 } };
    const measured = measuring(noopRuntime, { prices });
    replay(readEvents("v1beta1", "workflow-tool-task"), observing(measured));
    const [input] = Object.values(
      measured.samples(
        'usage_input_tokens_total{gen_ai_operation_name="chat",gen_ai_provider_name="faux",gen_ai_request_model="parent"',
      ),
    );
    // Of two turns, what each sent, read from the cache and wrote to it.
    assert.equal(input, 992 + 992 + (971 + 67 + 971));
    const [cost] = Object.values(measured.samples("isotel_gen_ai_cost"));
    assert.equal(cost, 992 + 971);
  });

  test("failures have their type", () => {
    const measured = measuring(noopRuntime);
    replay(readEvents("v1beta1", "failing-workflow"), observing(measured));
    assert.deepEqual(
      Object.keys(measured.samples("error_type")).filter((name) => name.includes("_count")),
      [
        'gen_ai_client_inference_duration_seconds_count{error_type="_OTHER",gen_ai_operation_name="chat",gen_ai_provider_name="faux",gen_ai_request_model="parent",gen_ai_response_model="parent"}',
        'gen_ai_invoke_agent_duration_seconds_count{error_type="FlueError",gen_ai_operation_name="invoke_agent"}',
      ],
    );
  });

  test("two observers of the same events measure them once", () => {
    const one = measuring(noopRuntime);
    replay(readEvents("v2.1.0", "tool-task"), observing(one));
    const both = measuring(noopRuntime);
    const sinks = [new RecordingSink(), new RecordingSink()];
    replay(readEvents("v2.1.0", "tool-task"), ...sinks.map((sink) => observing(both, sink)));
    assert.deepEqual(both.samples(), one.samples());
    assert.equal(sinks[0]?.spans.length, sinks[1]?.spans.length);
  });

  test("what never ends by itself is measured when it is given up, and is no error", () => {
    const measured = measuring(noopRuntime);
    const observer = observing(measured);
    replay(readEvents("v2.1.0", "tool-task").slice(0, 9), observer);
    observer.endAll();
    const samples = measured.samples("duration_seconds_count");
    assert.ok(Object.keys(samples).some((name) => name.startsWith("gen_ai_invoke_agent")));
    assert.ok(Object.keys(samples).every((name) => !name.includes("error_type")));
  });

  test("without metrics nothing is opened in the core", () => {
    const measured = measuring(noopRuntime, false);
    replay(readEvents("v2.1.0", "tool-task"), observing(measured));
    assert.deepEqual(measured.samples(), {});
    assert.equal(measured.telemetry.diagnostics()["spans_opened"], 0);
  });

  test("after a trap of the core what was open is not measured, and what follows is", () => {
    const measured = measuring(noopRuntime);
    const events = readEvents("v2.1.0", "tool-task");
    const observer = observing(measured);
    replay(events.slice(0, 6), observer);
    measured.telemetry.host.core?.lend(() => {}).trap(new Error("unreachable"));
    assert.equal(measured.telemetry.host.traps, 1);
    replay(events.slice(6), observer);
    const counts = measured.samples("gen_ai_client_inference_duration_seconds_count");
    assert.ok(Object.values(counts).length > 0);
  });
});
