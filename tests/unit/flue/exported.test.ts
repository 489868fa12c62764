import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { remoteContext } from "isotel/flue";
import type { FlueContext, FlueEvent } from "../../../bindings/flue/events/event.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { ChosenSink } from "../../../bindings/flue/sinks/chosen_sink.ts";
import { RuntimeSink } from "../../../bindings/flue/sinks/runtime_sink.ts";
import { noopRuntime, type SpanContext } from "../../../bindings/trace/span_runtime.ts";
import { normalized } from "../../flue/normalized.ts";
import { readEvents, readReference, scenariosV1 } from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";
import { fitBy, flueExport } from "../support/flue_export.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";

const callbacks = {
  metadata: {},
  content: { exportContent: (event: FlueEvent) => event },
  rooted: {
    resolveRootContext: (_event: FlueEvent, ctx: FlueContext): SpanContext | undefined => {
      const { traceparent } = ctx as { traceparent?: string };
      const [, traceId = "", spanId = ""] = traceparent?.split("-") ?? [];
      return traceparent === undefined ? undefined : { traceId, spanId, traceFlags: 1 };
    },
  },
};

describe("spans of Flue that are exported over OTLP are those of the original adapter, in full", () => {
  for (const scenario of scenariosV1) {
    for (const mode of ["metadata", "content", "rooted"] as const) {
      test(`${scenario}, ${mode}`, async () => {
        const exported = flueExport(noopRuntime, callbacks[mode]);
        exported.replay(readEvents("v1beta1", scenario));
        const { spans } = await exported.sent();
        assert.deepEqual(normalized(spans), normalized(readReference(scenario, mode)));
        assert.equal(exported.observer.diagnostics()["swallowed_errors"], 0);
        assert.equal(exported.count("otlp_failures"), 0);
      });
    }
  }
});

describe("logs of Flue", () => {
  test("are records too, for backends that keep no events of spans", async () => {
    const exported = flueExport(noopRuntime, callbacks.content);
    exported.replay(readEvents("v1beta1", "workflow-tool-task"));
    const { spans, logs } = await exported.sent();
    const events = spans.flatMap(({ spanId, events: own }) =>
      own.filter(({ name }) => name === "flue.log").map((event) => ({ ...event, spanId })),
    );
    assert.ok(events.length > 1);
    assert.deepEqual(
      logs.map(({ spanId, unixMs }) => ({ spanId, unixMs })).sort(byTime),
      events
        .map(({ spanId, time: [s, ns] }) => ({ spanId, unixMs: s * 1000 + ns / 1e6 }))
        .sort(byTime),
    );
    const [started] = logs;
    assert.equal(started?.eventName, "flue.log");
    assert.equal(started?.severity, "INFO");
    assert.equal(started?.body, "started");
    assert.equal(started?.attributes["flue.log.level"], "info");
    assert.equal(typeof started?.attributes["flue.event.index"], "number");
    assert.equal(typeof started?.attributes["flue.log.attributes"], "string");
  });

  test("are sent of traces that are not sampled too, without anything else to send them", async () => {
    const exported = flueExport(noopRuntime, {}, { sampleRatio: 0 });
    exported.replay(readEvents("v1beta1", "workflow-tool-task"));
    for (let i = 0; i < 100 && exported.received === 0; i += 1) await setTimeout(5);
    assert.ok(exported.received > 0);
    const { spans, logs } = await exported.sent();
    assert.equal(spans.length, 0);
    assert.ok(logs.length > 1);
    for (const { spanId } of logs) assert.match(spanId, /^[0-9a-f]{16}$/);
  });

  test("have no message unless content is exported", async () => {
    const exported = flueExport(noopRuntime);
    exported.replay(readEvents("v1beta1", "workflow-tool-task"));
    const { logs } = await exported.sent();
    assert.ok(logs.length > 1);
    for (const { body, attributes } of logs) {
      assert.equal(body, undefined);
      assert.deepEqual(Object.keys(attributes).sort(), ["flue.event.index", "flue.log.level"]);
    }
  });
});

const byTime = (a: { unixMs: number; spanId: string }, b: { unixMs: number; spanId: string }) =>
  a.unixMs - b.unixMs || a.spanId.localeCompare(b.spanId);

describe("spans of Flue that are exported beside the runtime's own", () => {
  test("are the same tree with the same ids", async () => {
    const runtime = new RecordingRuntime();
    const exported = flueExport(runtime);
    exported.replay(readEvents("v1beta1", "workflow-tool-task"));
    const { spans } = await exported.sent();
    assert.deepEqual(
      normalized(spans),
      normalized(readReference("workflow-tool-task", "metadata")),
    );
    assert.equal(runtime.spans.length, spans.length);
    const ids = new Map(spans.map((span) => [Number.parseInt(span.spanId, 16), span]));
    for (const { id, parentId, name, ended, lateWrites } of runtime.spans) {
      const span = ids.get(id);
      assert.equal(span?.name, name);
      assert.equal(Number.parseInt(span?.parentSpanId ?? "0", 16), parentId);
      assert.equal(ended, true);
      assert.equal(lateWrites, 0);
    }
  });

  test("stand under the span that is active, and what is opened in one of them under it", async () => {
    const exported = flueExport(new RecordingRuntime());
    exported.tracer.withSpan("request", {}, () => {
      exported.replay(readEvents("v1beta1", "failing-tool"));
    });
    const { spans } = await exported.sent();
    const request = spans.find(({ name }) => name === "request");
    const root = spans.find(({ name }) => name.startsWith("flue.workflow"));
    assert.equal(root?.parentSpanId, request?.spanId);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  });

  test("a trace that is not sampled is the runtime's alone, all of it", async () => {
    const runtime = new RecordingRuntime();
    const exported = flueExport(runtime, {}, { sampleRatio: 0 });
    exported.replay(readEvents("v1beta1", "recovery"));
    const { spans } = await exported.sent();
    assert.equal(spans.length, 0);
    assert.equal(runtime.spans.length, readReference("recovery", "metadata").length);
    assert.ok(runtime.spans.every(({ ended, parentId, id }) => ended && parentId < id));
  });

  test("a trace that another process does not record is not recorded here", async () => {
    const remote = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 0 };
    const exported = flueExport(noopRuntime, { resolveRootContext: () => remote });
    exported.replay(readEvents("v1beta1", "failing-tool"));
    assert.equal((await exported.sent()).spans.length, 0);
  });
});

describe("a sink that is found without a tracer", () => {
  test("continues the trace that resolveRootContext names by a header", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const exported = flueExport(noopRuntime);
    const host = newHost();
    const runtime = new RuntimeSink(() => exported.telemetry.runtime, fitBy(host));
    const callbacks = { resolveRootContext: () => remoteContext({ traceparent }) };
    const observer = new FlueObserver(host, new ChosenSink(runtime), callbacks);
    for (const { event, ctx } of readEvents("v1beta1", "failing-tool"))
      observer.observe(event, ctx);
    const { spans } = await exported.sent();
    assert.equal(spans.length, 6);
    for (const { traceId } of spans) assert.equal(traceId, "0af7651916cd43dd8448eb211c80319c");
    assert.equal(spans.at(-1)?.parentSpanId, "b7ad6b7169203331");
  });
});
