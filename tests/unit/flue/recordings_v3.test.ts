import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenTelemetryInstrumentation } from "isotel/flue";
import { type ReferenceSpan, readEvents } from "../../flue/recordings.ts";
import { KeepingTracer } from "../support/flue.ts";

const carrier = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };

function replay(scenario: string): ReferenceSpan[] {
  const tracer = new KeepingTracer();
  const { observe, diagnostics } = createOpenTelemetryInstrumentation({ tracer });
  for (const { event, ctx } of readEvents("v2.1.0", scenario)) observe(event, ctx);
  const { open_spans, swallowed_errors } = diagnostics();
  assert.deepEqual({ open_spans, swallowed_errors }, { open_spans: 0, swallowed_errors: 0 });
  return tracer.ended;
}

/** "name < its parent's name", of each span in the order in which they ended. */
function shapeOf(spans: readonly ReferenceSpan[]): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, parentSpanId }) =>
    parentSpanId ? `${name} < ${names.get(parentSpanId)}` : name,
  );
}

describe("events of version 3 become spans with the names of version 1", () => {
  test("a turn, tools and a delegated task", () => {
    const spans = replay("tool-task");
    assert.deepEqual(shapeOf(spans).slice(0, 8), [
      "chat parent < flue.operation prompt",
      "chat child < flue.operation prompt",
      "flue.operation prompt < flue.task summarizer",
      "flue.task summarizer < flue.operation prompt",
      "flue.tool lookup < flue.operation prompt",
      "flue.tool task < flue.operation prompt",
      "chat parent < flue.operation prompt",
      "flue.operation prompt",
    ]);
    assert.equal(
      new Set(spans.map(({ traceId }) => traceId)).size,
      spans.filter(({ parentSpanId }) => !parentSpanId).length,
    );
    const [chat] = spans;
    const attributes: Record<string, unknown> = { ...chat?.attributes };
    assert.equal(chat?.kind, 2);
    assert.deepEqual(chat?.start, [1795162867, 111000000]);
    assert.deepEqual(chat?.end, [1795162867, 123000000]);
    assert.equal(attributes["gen_ai.provider.name"], "faux");
    assert.equal(attributes["gen_ai.request.model"], "parent");
    assert.equal(attributes["flue.turn.reasoning"], "medium");
    assert.equal(attributes["flue.agent.name"], "Reporter");
    assert.match(String(attributes["flue.submission.id"]), /^sub_/);
    assert.deepEqual(attributes["gen_ai.response.finish_reasons"], ["toolUse"]);
    assert.equal(attributes["gen_ai.usage.input_tokens"], 474);
    assert.equal(attributes["gen_ai.usage.output_tokens"], 26);
    assert.equal(attributes["flue.usage.total_tokens"], 974);
    const logs = spans.flatMap(({ events }) => events.filter(({ name }) => name === "flue.log"));
    assert.ok(logs.length >= 2);
  });

  for (const scenario of ["aborted", "failing-tool", "compaction"]) {
    test(`${scenario}: no span is without the name of its model, and failures have generic messages`, () => {
      const spans = replay(scenario);
      assert.ok(spans.length > 1);
      for (const { name, kind, status } of spans) {
        if (kind === 2) assert.match(name, /^chat (?!undefined)\S+$/);
        if (status.code === 2) assert.match(status.message ?? "", / failed\.$/);
      }
    });
  }
});

describe("the interceptor", () => {
  const events = readEvents("v2.1.0", "aborted");
  const operation = { type: "agent", operationId: "sub_01M7W0Q1GE50TAAWPCA6H9BS1E" };

  test("lets work go on in the trace it was admitted in", async () => {
    const tracer = new KeepingTracer();
    const { observe, interceptor } = createOpenTelemetryInstrumentation({ tracer });
    const ctx = { submissionId: operation.operationId, traceCarrier: carrier };
    const replayAll = async () => {
      for (const event of events) observe(event.event, event.ctx);
    };
    await interceptor(operation, ctx, replayAll);
    assert.ok(tracer.ended.length > 1);
    assert.ok(tracer.ended.every(({ traceId }) => traceId === "0af7651916cd43dd8448eb211c80319c"));
    assert.equal(tracer.ended.at(-1)?.parentSpanId, "b7ad6b7169203331");
    // What comes when the work is over has nothing to do with it.
    tracer.ended.length = 0;
    observe({ v: 3, type: "operation_start", operationId: "op_2" } as never, {});
    observe({ v: 3, type: "operation", operationId: "op_2" } as never, {});
    assert.equal(tracer.ended[0]?.parentSpanId, undefined);
  });

  test("takes no header that is none", async () => {
    for (const traceparent of ["", `00-${"0".repeat(32)}-b7ad6b7169203331-01`, "ff-1-2-3"]) {
      const tracer = new KeepingTracer();
      const { observe, interceptor } = createOpenTelemetryInstrumentation({ tracer });
      await interceptor(operation, { traceCarrier: { traceparent } }, async () => {
        for (const event of events) observe(event.event, event.ctx);
      });
      assert.equal(tracer.ended.at(-1)?.parentSpanId, undefined);
    }
  });

  test("hands on the promise, the error and the rejection of what it wraps", async () => {
    const { interceptor } = createOpenTelemetryInstrumentation({ tracer: new KeepingTracer() });
    const ctx = { traceCarrier: carrier };
    const promise = Promise.resolve(7);
    assert.equal(
      interceptor(operation, ctx, () => promise),
      promise,
    );
    assert.equal(
      interceptor({ type: "model" }, {}, () => promise),
      promise,
    );
    const failure = new Error("no");
    await assert.rejects(
      interceptor(operation, ctx, () => Promise.reject(failure)),
      failure,
    );
    const thrower = () => {
      throw failure;
    };
    assert.throws(() => interceptor(operation, ctx, thrower), failure);
  });

  test("dispose ends what is open, and nothing is observed any more", () => {
    const tracer = new KeepingTracer();
    const { observe, dispose, diagnostics } = createOpenTelemetryInstrumentation({ tracer });
    for (const event of events.slice(0, 6)) observe(event.event, event.ctx);
    const open = diagnostics()["open_spans"] ?? 0;
    assert.ok(open > 0);
    dispose();
    assert.equal(tracer.ended.length, open);
    assert.ok(
      tracer.ended.every(({ status }) => status.message?.startsWith("Observation stopped")),
    );
    for (const event of events) observe(event.event, event.ctx);
    assert.equal(diagnostics()["open_spans"], 0);
    assert.equal(tracer.ended.length, open);
  });
});
