import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenTelemetryInstrumentation, createOpenTelemetryObserver } from "isotel/flue";
import { emptyContext } from "../../../bindings/flue/sinks/otel_types.ts";
import { readEvents } from "../../flue/recordings.ts";
import { KeepingTracer, remoteParent } from "../support/flue.ts";
import { AsyncContexts, makeSpan } from "../support/flue_contexts.ts";
import { instrumented, observeAll, parentsOf, tick } from "../support/flue_instrumented.ts";

const aborted = readEvents("v2.1.0", "aborted");
const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

describe("work that was admitted in a trace", () => {
  const submission = "sub_01M7W0Q1GE50TAAWPCA6H9BS1E";
  const operation = { type: "agent", operationId: submission };
  const traceCarrier = { traceparent, tracestate: "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7" };
  const baggage = Symbol.for("OpenTelemetry Baggage Key");

  for (const semconv of ["gen_ai", "flue"] as const) {
    test(`${semconv}: goes on in it, with its state and what else was in the context`, async () => {
      const flue = instrumented(semconv);
      const { tracer, contexts, interceptor } = flue;
      const states: unknown[] = [];
      await contexts.with(emptyContext.setValue(baggage, "kept"), () =>
        interceptor(operation, { submissionId: submission, traceCarrier }, async () => {
          await tick();
          const span = makeSpan(tracer, contexts, "user");
          assert.equal(span.spanContext().traceId, traceId);
          assert.equal(contexts.active().getValue(baggage), "kept");
          const active = contexts.active().getValue(Symbol.for("OpenTelemetry Context Key SPAN"));
          const { traceState } = (active as ReturnType<typeof makeSpan>).spanContext();
          states.push((traceState as { serialize(): string }).serialize());
          observeAll(flue, aborted);
        }),
      );
      assert.deepEqual(states, [traceCarrier.tracestate]);
      assert.ok(tracer.ended.length > 2);
      assert.ok(tracer.ended.every((span) => span.traceId === traceId));
      assert.equal(tracer.ended.at(-1)?.parentSpanId, "b7ad6b7169203331");
    });
  }

  test("resolveRootContext comes first, what is active last", async () => {
    const other = "1".repeat(32);
    const tracer = new KeepingTracer();
    const contexts = new AsyncContexts();
    const flue = createOpenTelemetryInstrumentation({
      tracer,
      context: contexts,
      resolveRootContext: () => remoteParent(emptyContext, `00-${other}-${"2".repeat(16)}-01`),
    });
    await flue.interceptor(operation, { submissionId: submission, traceCarrier }, async () =>
      observeAll(flue, aborted),
    );
    assert.ok(tracer.ended.every((span) => span.traceId === other));
  });

  test("the active span is a root's parent for the instrumentation, and not for the observer", () => {
    const flue = instrumented();
    const { contexts, tracer } = flue;
    const outer = makeSpan(tracer, contexts, "outer");
    contexts.withSpan(outer, () => observeAll(flue, aborted));
    assert.deepEqual(parentsOf(tracer.ended, "invoke_agent"), ["outer"]);
    const observe = createOpenTelemetryObserver({ tracer, semconv: "gen_ai" });
    tracer.ended.length = 0;
    contexts.withSpan(outer, () => {
      for (const { event, ctx } of aborted) observe(event, ctx);
    });
    assert.deepEqual(parentsOf(tracer.ended, "invoke_agent"), [undefined]);
  });
});
