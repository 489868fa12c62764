import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import {
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { registerOver } from "../../../bindings/opentelemetry/register.ts";
import { noopRuntime, type SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import { type Exporting, edges, exportingOver, received } from "../support/exporting.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";

let receiver: Receiver;
let unregister = () => {};
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());
afterEach(() => unregister());

/** A tracer from before the registration, as at the top level of a library. It keeps its first provider. */
const early = trace.getTracer("library", "1.2.3");

function registered(): Exporting {
  const exporting = exportingOver(noopRuntime, receiver);
  const registration = registerOver(exporting.telemetry);
  assert.deepEqual([registration.traces, registration.contexts], [true, true]);
  unregister = registration.unregister;
  return exporting;
}

describe("spans of the OpenTelemetry API", () => {
  test("nest with isotel's spans in both directions, across await", async () => {
    const exporting = registered();
    await exporting.tracer.withSpan("outer", {}, () =>
      early.startActiveSpan("api", async (span) => {
        await null;
        await exporting.tracer.withSpan("inner", {}, async () => {
          await null;
          early.startSpan("leaf").end();
        });
        early.startSpan("second").end();
        span.end();
      }),
    );
    assert.deepEqual(edges(await exporting.spans()), [
      "api < outer",
      "inner < api",
      "leaf < inner",
      "outer",
      "second < api",
    ]);
  });

  test("carry kind, times, attributes, events, links and status", async () => {
    const exporting = registered();
    const otel = trace.getTracer("library", "1.2.3");
    const linked = {
      traceId: "a".repeat(32),
      spanId: "b".repeat(16),
      traceFlags: 1,
      isRemote: true,
    };
    const span = otel.startSpan("all", {
      kind: SpanKind.CLIENT,
      startTime: new Date(1_700_000_000_123),
      attributes: { text: "a", list: [1, 2] },
      links: [{ context: linked, attributes: { why: "cause" } }],
    });
    span.addEvent("happened", { n: 1 }, [1_700_000_000, 500_000_000]);
    span.recordException(new TypeError("broken"));
    span.setStatus({ code: SpanStatusCode.ERROR, message: "bad" });
    span.updateName("renamed");
    const { spanId } = span.spanContext();
    span.end(1_700_000_001_000);
    span.setAttribute("late", true).setStatus({ code: SpanStatusCode.OK });
    assert.equal(span.isRecording(), false);
    const sent = received(await exporting.spans(), "renamed");
    assert.equal(sent.spanId, spanId);
    assert.deepEqual(
      [sent.kind, sent.status, sent.startUnixMs, sent.durationMs, sent.events, sent.links],
      [
        SpanKind.CLIENT + 1,
        SpanStatusCode.ERROR,
        1_700_000_000_123,
        877,
        ["happened", "exception"],
        [[linked.traceId, linked.spanId]],
      ],
    );
    assert.deepEqual(sent.attributes, { text: "a", list: [1, 2] });
    assert.deepEqual(sent.scope, ["library", "1.2.3"]);
  });

  test("Ok is final, and Unset changes nothing", async () => {
    const exporting = registered();
    const otel = trace.getTracer("library", "1.2.3");
    const span = otel.startSpan("status");
    span.setStatus({ code: SpanStatusCode.ERROR, message: "first" });
    span.setStatus({ code: SpanStatusCode.OK });
    span.setStatus({ code: SpanStatusCode.ERROR, message: "later" });
    span.setStatus({ code: SpanStatusCode.UNSET });
    span.end();
    const sent = received(await exporting.spans(), "status");
    assert.deepEqual([sent.status, sent.durationMs], [SpanStatusCode.OK, 0]);
  });

  test("begin a trace with root or ROOT_CONTEXT, and follow a remote parent", async () => {
    const exporting = registered();
    const otel = trace.getTracer("library", "1.2.3");
    const remote = {
      traceId: "c".repeat(32),
      spanId: "d".repeat(16),
      traceFlags: 1,
      isRemote: true,
    };
    otel.startActiveSpan("active", (span) => {
      otel.startSpan("root", { root: true }).end();
      otel.startSpan("root context", {}, ROOT_CONTEXT).end();
      otel.startSpan("remote", {}, trace.setSpanContext(ROOT_CONTEXT, remote)).end();
      // In the trace of the active span, but under another span of it.
      const near = { ...span.spanContext(), spanId: "e".repeat(16), isRemote: true };
      otel.startSpan("near", {}, trace.setSpanContext(ROOT_CONTEXT, near)).end();
      span.end();
    });
    const spans = await exporting.spans();
    const active = received(spans, "active");
    for (const name of ["root", "root context"]) {
      const root = received(spans, name);
      assert.equal(root.parentSpanId, "");
      assert.notEqual(root.traceId, active.traceId);
    }
    const child = received(spans, "remote");
    assert.deepEqual([child.traceId, child.parentSpanId], [remote.traceId, remote.spanId]);
    const sibling = received(spans, "near");
    assert.deepEqual([sibling.traceId, sibling.parentSpanId], [active.traceId, "e".repeat(16)]);
  });

  test("an unsampled parent and suppressed tracing record nothing", async () => {
    const exporting = registered();
    const otel = trace.getTracer("library", "1.2.3");
    const remote = {
      traceId: "c".repeat(32),
      spanId: "d".repeat(16),
      traceFlags: 0,
      isRemote: true,
    };
    const child = otel.startSpan("no", {}, trace.setSpanContext(ROOT_CONTEXT, remote));
    assert.equal(child.isRecording(), false);
    child.end();
    const key = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
    const suppressed = otel.startSpan("no", {}, ROOT_CONTEXT.setValue(key, true));
    assert.equal(suppressed.isRecording(), false);
    otel.startSpan("yes", {}, ROOT_CONTEXT).end();
    assert.deepEqual(edges(await exporting.spans()), ["yes"]);
  });

  test("values of a context survive await, and errors of the body reach the caller", async () => {
    registered();
    const otel = trace.getTracer("library");
    const key = createContextKey("key");
    const seen = await context.with(ROOT_CONTEXT.setValue(key, "value"), async () => {
      await null;
      return context.active().getValue(key);
    });
    assert.equal(seen, "value");
    const failure = new Error("of the body");
    assert.throws(
      () =>
        otel.startActiveSpan("fails", () => {
          throw failure;
        }),
      failure,
    );
  });

  test("a provider that was there first stays", (t) => {
    const first = { getTracer: () => trace.getTracer("first") };
    trace.setGlobalTracerProvider(first);
    t.after(() => trace.disable());
    const lines = t.mock.method(console, "error", () => {});
    const registration = registerOver(exportingOver(noopRuntime, receiver).telemetry);
    assert.deepEqual([registration.traces, registration.contexts], [false, false]);
    assert.match(
      String(lines.mock.calls[0]?.arguments[0]),
      /already has a tracer provider, which stays/,
    );
    registration.unregister();
    assert.equal(
      (globalThis as never)[Symbol.for("opentelemetry.js.api.1")]["trace"] !== undefined,
      true,
    );
  });

  test("a body that throws runs once", () => {
    registered();
    const otel = trace.getTracer("library");
    let runs = 0;
    const failure = new Error("of the body");
    const body = () => {
      runs += 1;
      throw failure;
    };
    assert.throws(() => otel.startActiveSpan("fails", body), failure);
    assert.equal(runs, 1);
  });

  test("the 129th attribute is dropped and counted, and a known one is replaced", async () => {
    const exporting = registered();
    const span = trace.getTracer("").startSpan("many");
    for (let i = 0; i < 129; i += 1) span.setAttribute(`n${i}`, i);
    span.setAttribute("n0", -1).end();
    const sent = received(await exporting.spans(), "many");
    assert.equal(Object.keys(sent.attributes).length, 128);
    assert.deepEqual([sent.attributes["n0"], sent.attributes["n127"]], [-1, 127]);
    assert.equal(sent.droppedAttributes, 1);
  });

  for (const format of ["protobuf", "json"] as const) {
    test(`spans of several libraries are in the scopes of one request: ${format}`, async () => {
      const exporting = exportingOver(noopRuntime, receiver, { format });
      unregister = registerOver(exporting.telemetry).unregister;
      exporting.tracer.withSpan("own", {}, () => {
        trace.getTracer("one", "1.0.0").startSpan("first").end();
        trace.getTracer("two").startSpan("second").end();
        trace.getTracer("one", "1.0.0").startSpan("third").end();
      });
      await exporting.pipeline.flush();
      assert.equal(receiver.requests.length, 1);
      const spans = await exporting.spans();
      assert.deepEqual(spans.map(({ name, scope }) => `${name}: ${scope.join(" ")}`).sort(), [
        "first: one 1.0.0",
        "own: isotel ",
        "second: two ",
        "third: one 1.0.0",
      ]);
      assert.ok(spans.every(({ resource }) => resource["telemetry.sdk.language"] === "nodejs"));
    });
  }

  test("a native span keeps 60 KiB of attributes, and OTLP all of them", async () => {
    const native = new RecordingRuntime({ byteBudget: true });
    const exporting = exportingOver(native, receiver);
    unregister = registerOver(exporting.telemetry).unregister;
    const large = "x".repeat(40_000);
    const list = Array.from({ length: 5_000 }, () => "text");
    const span = trace.getTracer("").startSpan("large");
    span.setAttributes({ first: large, list, second: large, third: large, small: "s" }).end();
    const sent = received(await exporting.spans(), "large");
    assert.deepEqual(sent.attributes, {
      first: large,
      list,
      second: large,
      third: large,
      small: "s",
    });
    assert.equal(sent.droppedAttributes, 0);
    const kept = Object.fromEntries(native.spans[0]?.attributes ?? []);
    const bytes = Object.entries(kept).map(([key, value]) => key.length + String(value).length);
    const [first, second, third] = ["first", "second", "third"].map((key) => String(kept[key]));
    assert.equal(first?.length, 28 * 1024);
    // A text that is cut leaves half of the rest.
    assert.ok((second?.length ?? 0) > 15_000 && (third?.length ?? 0) > 7_000);
    assert.deepEqual([kept["list"], kept["small"]], [undefined, "s"]);
    assert.deepEqual(
      [kept["isotel.cut_attributes_count"], kept["otel.dropped_attributes_count"]],
      [3, 1],
    );
    assert.ok(bytes.reduce((sum, size) => sum + size, 0) < 64 * 1024);
  });

  test("an unsampled parent reaches other services as one that is not sampled", () => {
    for (const native of [noopRuntime, new RecordingRuntime()]) unsampledTravelsOver(native);
  });

  function unsampledTravelsOver(native: SpanRuntime): void {
    unregister();
    unregister = registerOver(exportingOver(native, receiver).telemetry).unregister;
    const remote = { traceId: "c".repeat(32), spanId: "d".repeat(16), traceFlags: 0 };
    const parent = trace.setSpanContext(ROOT_CONTEXT, remote);
    const child = trace.getTracer("").startSpan("no", {}, parent);
    const carrier: Record<string, string> = {};
    propagation.inject(trace.setSpan(ROOT_CONTEXT, child), carrier);
    assert.equal(carrier["traceparent"], `00-${remote.traceId}-${remote.spanId}-00`);
  }

  test("the span of isotel's own code is active, and the API cannot end it", async () => {
    const exporting = registered();
    await exporting.tracer.withSpan("own", {}, async () => {
      const span = trace.getActiveSpan();
      assert.equal(span, trace.getActiveSpan());
      span?.setAttribute("from", "api").setStatus({ code: SpanStatusCode.OK }).end();
      await null;
      trace.getActiveSpan()?.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("later", 1);
    });
    const sent = received(await exporting.spans(), "own");
    assert.deepEqual([sent.attributes, sent.status], [{ from: "api", later: 1 }, 1]);
  });

  test("unregister leaves a provider that was registered since", (t) => {
    registered();
    trace.disable();
    const next = { getTracer: () => early };
    trace.setGlobalTracerProvider(next);
    t.after(() => trace.disable());
    unregister();
    const proxy = trace.getTracerProvider() as { getDelegate?(): unknown };
    assert.equal(proxy.getDelegate?.(), next);
  });
});
