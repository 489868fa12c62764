import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { trace } from "@opentelemetry/api";
import { createOpenTelemetryObserver, type FlueEvent } from "isotel/flue";
import { FlueCoreHost } from "../../../bindings/flue/core/flue_core.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { emptyContext } from "../../../bindings/flue/sinks/otel_types.ts";
import { type ReferenceSpan, readEvents } from "../../flue/recordings.ts";
import { compile, readModule } from "../../wasm/support/module.ts";
import { withTrapIn } from "../../wasm/support/wasm_binary.ts";
import { flueModule, KeepingTracer, newHost, noContext, remoteParent } from "../support/flue.ts";
import { RecordingSink } from "../support/recording_sink.ts";

const recording = readEvents("v1beta1", "workflow-tool-task");
const failing = readEvents("v1beta1", "failing-tool");
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function namesOf(spans: readonly ReferenceSpan[]): string[] {
  return spans.map(({ name }) => name);
}

describe("createOpenTelemetryObserver", () => {
  afterEach(() => trace.disable());

  test("hands the spans to the tracer it is given", () => {
    const tracer = new KeepingTracer();
    const observe = createOpenTelemetryObserver({ tracer });
    for (const { event, ctx } of failing) observe(event, ctx);
    assert.deepEqual(namesOf(tracer.ended), [
      "flue.tool boom",
      "flue.tool lookup",
      "chat parent",
      "chat parent",
      "flue.operation prompt",
      "flue.workflow report",
    ]);
    assert.equal(observe.diagnostics()["swallowed_errors"], 0);
  });

  test("takes the tracer of the global provider, also of one that is registered later", () => {
    const observe = createOpenTelemetryObserver();
    const [first] = recording;
    assert.ok(first);
    observe(first.event, first.ctx);
    const tracer = new KeepingTracer();
    trace.setGlobalTracerProvider({ getTracer: () => tracer as never });
    for (const { event, ctx } of failing) observe(event, ctx);
    assert.equal(tracer.ended.length, 6);
    assert.equal(observe.diagnostics()["swallowed_errors"], 0);
  });

  test("what began before a provider was registered goes on where it began", () => {
    const observe = createOpenTelemetryObserver();
    const tracer = new KeepingTracer();
    for (const [i, { event, ctx }] of failing.entries()) {
      if (i === 3) trace.setGlobalTracerProvider({ getTracer: () => tracer as never });
      observe(event, ctx);
    }
    assert.equal(tracer.ended.length, 0);
    const { open_spans, swallowed_errors } = observe.diagnostics();
    assert.deepEqual({ open_spans, swallowed_errors }, { open_spans: 0, swallowed_errors: 0 });
  });

  test("asks for a root's context only where Flue has no parent, and children follow", () => {
    const tracer = new KeepingTracer();
    const asked: string[] = [];
    const observe = createOpenTelemetryObserver({
      tracer,
      resolveRootContext: (event) => {
        asked.push(event.type);
        return remoteParent(emptyContext, traceparent);
      },
    });
    for (const { event, ctx } of recording) observe(event, ctx);
    assert.deepEqual(asked, ["run_start"]);
    assert.ok(tracer.ended.every(({ traceId }) => traceId === "0af7651916cd43dd8448eb211c80319c"));
  });

  test("callbacks that throw cost their answer and nothing else", () => {
    const tracer = new KeepingTracer();
    const fail = () => {
      throw new Error("no");
    };
    const observe = createOpenTelemetryObserver({
      tracer,
      resolveRootContext: fail,
      exportContent: fail,
    });
    for (const { event, ctx } of failing) observe(event, ctx);
    assert.equal(tracer.ended.length, 6);
    const [boom] = tracer.ended;
    assert.deepEqual(boom?.status, { code: 2, message: "Tool call failed." });
    assert.equal(boom?.attributes["flue.tool.arguments"], undefined);
    assert.ok((observe.diagnostics()["swallowed_errors"] ?? 0) > 6);
  });

  test("callbacks that answer with promises cost their answer and nothing else", () => {
    const tracer = new KeepingTracer();
    const fail = () => Promise.reject(new Error("no"));
    const observe = createOpenTelemetryObserver({
      tracer,
      resolveRootContext: fail as never,
      exportContent: fail,
    });
    for (const { event, ctx } of failing) observe(event, ctx);
    assert.equal(tracer.ended.length, 6);
    assert.deepEqual(tracer.ended[0]?.status, { code: 2, message: "Tool call failed." });
    assert.ok((observe.diagnostics()["swallowed_errors"] ?? 0) > 6);
  });

  test("content is what exportContent gives back, correlation is the event's own", () => {
    const tracer = new KeepingTracer();
    const asked = new Set<string>();
    const observe = createOpenTelemetryObserver({
      tracer,
      exportContent: (event: FlueEvent) => {
        asked.add(event.type);
        if (event.type !== "tool_start") return undefined;
        return {
          ...event,
          args: "[redacted]",
          toolCallId: "other",
          turnId: "other",
          toolName: "x",
        };
      },
    });
    for (const { event, ctx } of failing) observe(event, ctx);
    const [boom] = tracer.ended;
    assert.equal(boom?.name, "flue.tool boom");
    assert.equal(boom?.attributes["flue.tool.arguments"], "[redacted]");
    assert.equal(boom?.attributes["flue.tool.name"], "boom");
    assert.equal(boom?.attributes["flue.tool.result"], undefined);
    assert.ok(!asked.has("operation_start") && !asked.has("message_end"));
    assert.ok(asked.has("run_start") && asked.has("operation") && asked.has("run_end"));
  });

  test("what is changed on the copy of the event stays out of the program's own", () => {
    const observe = createOpenTelemetryObserver({
      tracer: new KeepingTracer(),
      exportContent: (event) => Object.assign(event, { args: "changed" }),
    });
    const event = Object.freeze({
      v: 1,
      type: "tool_start",
      toolCallId: "c",
      turnId: "t",
      args: 1,
    });
    observe(event, noContext);
    assert.equal(event.args, 1);
    assert.equal(observe.diagnostics()["swallowed_errors"], 0);
  });
});

describe("an observer", () => {
  test("outlives hostile events and a sink that throws", () => {
    const sink = new RecordingSink();
    const observer = new FlueObserver(newHost(), sink, { exportContent: (event) => event });
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const hostile: object[] = [
      { type: "tool_start", toolCallId: "c", turnId: "t", args: cycle, timestamp: "never" },
      { type: "tool", toolCallId: "c", turnId: "t", isError: true, result: { message: 7n } },
      { type: "turn_request", turnId: 7 },
      { type: "turn_request", turnId: "a\0b", purpose: 3 },
      { type: "turn_request", turnId: "\ud800".repeat(50_000) },
      { type: 7 },
      {
        type: "operation_start",
        get operationId() {
          throw new Error("no");
        },
      },
    ];
    for (const event of hostile) observer.observe(event as FlueEvent, noContext);
    observer.observe(null as unknown as FlueEvent, noContext);
    const counts = observer.diagnostics();
    assert.equal(sink.spans.length, 1);
    assert.equal(sink.spans[0]?.end?.failure, "Tool call failed.");
    assert.equal(counts["open_spans"], 0);
    assert.equal(counts["unkeyed_events"], 3);
    assert.equal(counts["swallowed_errors"], 2);
    assert.equal(counts["traps"], 0);
  });

  test("after a trap the spans that were open end, and the next event is observed again", () => {
    const sink = new RecordingSink();
    let instances = 0;
    const host = new FlueCoreHost(() => {
      instances += 1;
      return instances === 1
        ? compile(withTrapIn(readModule("flue"), "isotel_flue_fit"))
        : flueModule;
    });
    const observer = new FlueObserver(host, sink, {});
    const start = { type: "run_start", workflowName: "report" };
    observer.observe({ ...start, runId: "a" } as FlueEvent, noContext);
    assert.equal(
      host.attempt((core) => core.fit([], 0).length, -1),
      -1,
    );
    observer.observe({ ...start, runId: "b" } as FlueEvent, noContext);
    assert.equal(instances, 2);
    assert.equal(sink.spans[0]?.ends, 1);
    assert.match(sink.spans[0]?.end?.failure ?? "", /^Observation stopped/);
    assert.equal(sink.spans[1]?.ends, 0);
    assert.equal(observer.diagnostics()["open_spans"], 1);
    assert.equal(observer.diagnostics()["traps"], 1);
  });
});
