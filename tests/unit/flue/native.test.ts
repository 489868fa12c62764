import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FlueEvent } from "../../../bindings/flue/events/event.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { RuntimeSink } from "../../../bindings/flue/sinks/runtime_sink.ts";
import { nativeRuntime } from "../../../bindings/trace/native_runtime.ts";
import {
  type EventContext,
  readEvents,
  readReference,
  scenariosV1,
} from "../../flue/recordings.ts";
import { newHost, noContext } from "../support/flue.ts";
import { fitBy } from "../support/flue_export.ts";
import { NativeDouble, type NativeDoubleSpan, releases } from "../support/native_double.ts";

const everything = { exportContent: (event: FlueEvent) => event };

function replay(double: NativeDouble, events: readonly EventContext[], callbacks = {}) {
  double.isTraced = true;
  const runtime = nativeRuntime(double.tracing);
  const host = newHost();
  const sink = new RuntimeSink(() => runtime, fitBy(host));
  const observer = new FlueObserver(host, sink, callbacks);
  for (const { event, ctx } of events) observer.observe(event, ctx);
  return observer;
}

/** What the native projection carries of a span, sorted by when it began. */
function projected(scenario: string) {
  const spans = readReference(scenario, "metadata");
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .map(({ name, parentSpanId, status, attributes }) => ({
      name,
      parent: parentSpanId ? names.get(parentSpanId) : undefined,
      status: status.code === 2 ? "error" : "unset",
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [
          key,
          Array.isArray(value) ? JSON.stringify(value) : value,
        ]),
      ),
    }))
    .sort(byKey);
}

function told(spans: readonly NativeDoubleSpan[]) {
  const names = new Map(spans.map(({ id, name }) => [id, name]));
  return spans
    .map(({ name, parentId, status, attributes }) => ({
      name,
      parent: names.get(parentId),
      status,
      attributes: { ...attributes },
    }))
    .sort(byKey);
}

const byKey = (a: object, b: object) => JSON.stringify(a).localeCompare(JSON.stringify(b));

describe("native spans of Flue", () => {
  for (const scenario of scenariosV1) {
    test(`${scenario}: names, parents, status and attributes are those of the reference`, () => {
      const double = new NativeDouble();
      const observer = replay(double, readEvents("v1beta1", scenario));
      const spans = double.spans.filter(({ name }) => name !== "isotel.probe");
      assert.deepEqual(told(spans), projected(scenario));
      assert.ok(double.spans.every(({ ended, writesAfterEnd }) => ended && writesAfterEnd === 0));
      assert.equal(observer.diagnostics()["swallowed_errors"], 0);
    });
  }

  for (const { from } of releases) {
    test(`the runtime of ${from} has as many, none open, and nothing throws`, () => {
      const double = NativeDouble.of(from);
      const observer = replay(double, readEvents("v1beta1", "workflow-tool-task"));
      const spans = double.spans.filter(({ name }) => name !== "isotel.probe");
      assert.equal(spans.length, readReference("workflow-tool-task", "metadata").length);
      assert.equal(observer.diagnostics()["swallowed_errors"], 0);
      assert.equal(observer.diagnostics()["open_spans"], 0);
    });
  }

  test("a failure is told by an attribute where spans have no status", () => {
    const double = NativeDouble.of("mid August");
    replay(double, readEvents("v1beta1", "failing-tool"));
    const failed = double.spans.filter(({ attributes }) => "otel.status_code" in attributes);
    assert.deepEqual(
      failed.map(({ name }) => name),
      ["flue.tool boom"],
    );
  });

  test("content that does not fit is cut, and what a turn used is there all the same", () => {
    const double = new NativeDouble();
    const [start, end] = largeTurn("ü".repeat(100_000));
    replay(double, [start, end], everything);
    const turn = double.spans.find(({ name }) => name === "chat m");
    assert.equal(turn?.isOverBudget, false);
    const { attributes = {} } = turn ?? {};
    assert.match(String(attributes["flue.turn.input"]), /^ü{10000,}$/);
    assert.match(String(attributes["flue.turn.output"]), /^ü{10000,}$/);
    assert.equal(attributes["gen_ai.usage.input_tokens"], 7);
    assert.equal(attributes["flue.duration_ms"], 3);
    assert.equal(attributes["isotel.cut_attributes_count"], 2);
  });

  test("names are cut between characters", () => {
    const double = new NativeDouble();
    const event = { v: 1, type: "run_start", runId: "r", workflowName: "ü".repeat(40) };
    replay(double, [{ event, ctx: { id: "r" } }] as never);
    const [span] = double.spans.filter(({ name }) => name !== "isotel.probe");
    assert.equal(span?.name, `flue.workflow ${"ü".repeat(25)}`);
    assert.equal(span?.attributes["flue.workflow.name"], "ü".repeat(40));
  });

  test("a span of another request cannot be activated: its children are those of the active span", () => {
    const double = new NativeDouble();
    double.isTraced = true;
    const runtime = nativeRuntime(double.tracing);
    const host = newHost();
    const foreign = {
      ...runtime,
      withActiveSpan: () => {
        throw new Error("Cannot perform I/O on behalf of a different request.");
      },
    };
    const observer = new FlueObserver(host, new RuntimeSink(() => foreign, fitBy(host)), {});
    for (const { event } of readEvents("v1beta1", "failing-tool"))
      observer.observe(event, noContext);
    const spans = double.spans.filter(({ name }) => name !== "isotel.probe");
    assert.equal(spans.length, 6);
    assert.ok(spans.every(({ ended, parentId }) => ended && parentId === 0));
    assert.equal(observer.diagnostics()["swallowed_errors"], 0);
  });

  test("spans that nobody receives get no attributes", () => {
    const double = new NativeDouble();
    const runtime = nativeRuntime(double.tracing);
    let asked = 0;
    const counting = {
      ...runtime,
      startSpan: (name: string) => {
        const writer = runtime.startSpan(name);
        return {
          isTraced: writer.isTraced,
          setAttribute: () => {
            asked += 1;
          },
          end: () => writer.end(),
        };
      },
    };
    const host = newHost();
    const observer = new FlueObserver(host, new RuntimeSink(() => counting, fitBy(host)), {});
    for (const { event } of readEvents("v1beta1", "failing-tool"))
      observer.observe(event, noContext);
    assert.equal(asked, 0);
    assert.equal(observer.diagnostics()["open_spans"], 0);
  });
});

function largeTurn(text: string): [EventContext, EventContext] {
  const turn = { v: 1, turnId: "t", model: "m" };
  const usage = { input: 7, output: 1 };
  const ctx = { id: "a" };
  return [
    { event: { ...turn, type: "turn_request", input: text }, ctx },
    { event: { ...turn, type: "turn", output: text, usage, durationMs: 3 }, ctx },
  ];
}
