import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import {
  createOpenTelemetryInstrumentation,
  createOpenTelemetryObserver,
  type FlueInstrumentation,
} from "isotel/flue";
import { FlueMetrics } from "../../../bindings/flue/flue_metrics.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import {
  Compactor,
  instrument,
  observe,
  Reporter,
  type Scenario,
  scenarios,
  start,
} from "../../flue/agents_node.ts";
import { expectedEdges, expectedFailures } from "../../flue/expected.ts";
import type { ReferenceSpan } from "../../flue/recordings.ts";
import { KeepingTracer, newHost } from "../support/flue.ts";
import { measuring } from "../support/measuring.ts";
import { RecordingSink } from "../support/recording_sink.ts";

const answers: Readonly<Record<Scenario, string>> = {
  toolAndTask: "done",
  failingTool: "done",
  aborted: "aborted",
  compaction: "done",
};

function edgesOf(spans: readonly ReferenceSpan[]): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .map(({ name, parentSpanId }) => (parentSpanId ? `${name} < ${names.get(parentSpanId)}` : name))
    .sort();
}

describe("Flue itself, with a scripted model", () => {
  let flue: Awaited<ReturnType<typeof start>>;
  let dispose: (() => Promise<void>) | undefined;
  before(async () => {
    flue = await start({ agents: [Reporter, Compactor] });
  });
  afterEach(async () => {
    await dispose?.();
    dispose = undefined;
  });
  after(() => flue.stop());

  /** Our instrumentation is what `instrument()` takes, by its types too. */
  function install(instrumentation: FlueInstrumentation): FlueInstrumentation {
    dispose = instrument(instrumentation);
    return instrumentation;
  }

  for (const scenario of Object.keys(scenarios) as Scenario[]) {
    test(`${scenario}: names, parents and failures, none left open, and the answer is the same`, async () => {
      const tracer = new KeepingTracer();
      const { diagnostics } = install(createOpenTelemetryInstrumentation({ tracer }));
      assert.equal(await scenarios[scenario](), answers[scenario]);
      const { ended } = tracer;
      assert.deepEqual(edgesOf(ended), expectedEdges[scenario]);
      const failures = ended
        .filter(({ status }) => status.code === 2)
        .map(({ name, status }) => `${name}: ${status.message}`);
      assert.deepEqual(failures.sort(), expectedFailures[scenario]);
      const { open_spans, swallowed_errors, traps } = diagnostics();
      assert.deepEqual(
        { open_spans, swallowed_errors, traps },
        { open_spans: 0, swallowed_errors: 0, traps: 0 },
      );
      for (const { start: begin, end } of ended) {
        assert.ok(begin[0] < end[0] || (begin[0] === end[0] && begin[1] <= end[1]));
      }
    });
  }

  test("a turn says what it asked and used, a tool what was called, and no content leaves", async () => {
    const tracer = new KeepingTracer();
    install(createOpenTelemetryInstrumentation({ tracer }));
    await scenarios.toolAndTask();
    const chat = tracer.ended.find(({ name }) => name === "chat child");
    const attributes = { ...chat?.attributes };
    assert.equal(chat?.kind, 2);
    assert.equal(attributes["gen_ai.provider.name"], "faux");
    assert.equal(attributes["gen_ai.request.model"], "child");
    assert.deepEqual(attributes["gen_ai.response.finish_reasons"], ["stop"]);
    assert.ok(Number(attributes["gen_ai.usage.input_tokens"]) > 0);
    const tool = tracer.ended.find(({ name }) => name === "flue.tool lookup");
    assert.equal(tool?.attributes["flue.tool.name"], "lookup");
    assert.deepEqual(
      tracer.ended.flatMap(({ events }) => events.map(({ name }) => name)),
      ["flue.log"],
    );
    const text = JSON.stringify(tracer.ended);
    for (const content of ["Begin", "Summarize.", "a summary", "found", "looking"]) {
      assert.ok(!text.includes(content), content);
    }
  });

  test("content is there when it is exported, the message of a failed tool among it", async () => {
    const tracer = new KeepingTracer();
    install(createOpenTelemetryInstrumentation({ tracer, exportContent: (event) => event }));
    await scenarios.failingTool();
    const text = JSON.stringify(tracer.ended);
    assert.match(text, /Begin/);
    assert.match(text, /the secret of the tool/);
  });

  test("what it hands to several observers is one event: it is measured once", async () => {
    const measured = measuring(noopRuntime);
    const observers = [1, 2].map(() => {
      const metrics = new FlueMetrics(() => measured.telemetry);
      return new FlueObserver(newHost(), new RecordingSink(), {}, Date.now, metrics);
    });
    const stops = observers.map((one) => observe((event, ctx) => one.observe(event, ctx)));
    await scenarios.toolAndTask();
    for (const stop of stops) stop();
    const counts = measured.samples("duration_seconds_count");
    assert.deepEqual(
      Object.entries(counts).map(([name, count]) => [name.replace(/\{.*/, ""), count]),
      [
        ["gen_ai_client_inference_duration_seconds_count", 1],
        ["gen_ai_client_inference_duration_seconds_count", 2],
        ["gen_ai_execute_tool_duration_seconds_count", 1],
        ["gen_ai_invoke_agent_duration_seconds_count", 1],
        ["gen_ai_invoke_agent_duration_seconds_count", 1],
      ],
    );
  });

  test("the observer alone sees the same, for observe()", async () => {
    const tracer = new KeepingTracer();
    const own = createOpenTelemetryObserver({ tracer });
    const stop = observe(own);
    await scenarios.failingTool();
    stop();
    assert.deepEqual(edgesOf(tracer.ended), expectedEdges.failingTool);
    assert.equal(own.diagnostics()["open_spans"], 0);
  });
});
