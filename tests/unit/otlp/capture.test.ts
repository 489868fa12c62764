import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Abi, Operation, Profile } from "../../../bindings/core/abi.gen.ts";
import { nativeRuntime } from "../../../bindings/trace/native_runtime.ts";
import { type Attributes, noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { isRecorded } from "../../../bindings/trace/telemetry.ts";
import { activateSpan, startSpan } from "../../../bindings/trace/tracer.ts";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import { type Exporting, edges, exportingOver, received } from "../support/exporting.ts";
import { NativeDouble, releases } from "../support/native_double.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";
import { attributesOf } from "../support/tracing.ts";

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

const familyTree = ["first < parent", "parent", "second < parent", "third < second"];

async function family({ tracer }: Exporting): Promise<void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await tracer.withSpan("parent", {}, async () => {
    await Promise.all([
      tracer.withSpan("first", {}, () => released),
      tracer.withSpan("second", {}, async () => {
        await null;
        tracer.withSpan("third", {}, () => {});
        release();
      }),
    ]);
  });
}

describe("spans captured where the runtime records none", () => {
  for (const [name, runtime] of [
    ["without tracing", noopRuntime],
    ["with tracing that nobody receives", new RecordingRuntime({ traced: false })],
  ] as const) {
    test(`${name} they nest across await, with ids of their own`, async () => {
      const exporting = exportingOver(runtime, receiver);
      await family(exporting);
      const spans = await exporting.spans();
      assert.deepEqual(edges(spans), familyTree);
      assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 4);
      for (const { traceId, spanId, flags } of spans) {
        assert.match(`${traceId}-${spanId}`, /^[0-9a-f]{32}-[0-9a-f]{16}$/);
        assert.equal(flags & 1, 1);
      }
      assert.equal(exporting.count("swallowed_errors"), 0);
    });
  }

  test("spanContext() tells their ids", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const context = exporting.tracer.withSpan("work", {}, (span) => span.spanContext());
    const { traceId, spanId } = received(await exporting.spans(), "work");
    assert.deepEqual(context, { traceId, spanId, traceFlags: 1 });
  });

  test("late callbacks find their parent by activate", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const options = { operation: Operation.custom, profile: Profile.agents, bounded: false };
    const late = startSpan(exporting.telemetry, "late", options);
    late?.activate(() => exporting.tracer.withSpan("inside", {}, () => {}));
    exporting.tracer.withSpan("outside", {}, () => {});
    late?.finish();
    assert.deepEqual(edges(await exporting.spans()), ["inside < late", "late", "outside"]);
  });
});

describe("spans captured beside the runtime's own", () => {
  test("are the same tree with the same ids", async () => {
    const exporting = exportingOver(new RecordingRuntime(), receiver);
    await family(exporting);
    const spans = await exporting.spans();
    assert.deepEqual(edges(spans), familyTree);
    const native = exporting.runtime.spans.map(({ id, parentId, name }) => [
      name,
      id.toString(16).padStart(16, "0"),
      parentId === 0 ? "" : parentId.toString(16).padStart(16, "0"),
    ]);
    const own = spans.map(({ name, spanId, parentSpanId }) => [name, spanId, parentSpanId]);
    assert.deepEqual(own.sort(), native.sort());
  });

  test("are children of a span of the runtime's that somebody else opened", async () => {
    const exporting = exportingOver(new RecordingRuntime(), receiver);
    const parent = exporting.runtime.startActiveSpan("theirs", (writer) => {
      exporting.tracer.withSpan("ours", {}, () => {});
      writer.end();
      return writer.spanContext?.();
    });
    const [ours] = await exporting.spans();
    assert.deepEqual([ours?.traceId, ours?.parentSpanId], [parent?.traceId, parent?.spanId]);
  });

  for (const { from } of releases) {
    test(`as of ${from}: one tree, status and lists, in both`, async () => {
      const native = NativeDouble.of(from);
      const exporting = exportingOver(nativeRuntime(native.tracing), receiver);
      native.isTraced = true;
      await family(exporting);
      exporting.tracer.withSpan("listed", { "app.list": ["a", "b"] }, (span) => {
        span.setStatus("ok");
      });
      const spans = await exporting.spans();
      assert.deepEqual(edges(spans), [...familyTree.slice(0, 1), "listed", ...familyTree.slice(1)]);
      const listed = received(spans, "listed");
      assert.deepEqual([listed.attributes, listed.status], [{ "app.list": ["a", "b"] }, 1]);
      const theirs = native.spans.find(({ name }) => name === "listed");
      const hasStatus = theirs?.status === "ok";
      assert.deepEqual(theirs?.attributes, {
        "app.list": '["a","b"]',
        ...(hasStatus ? {} : { "otel.status_code": "OK" }),
      });
      assert.equal(
        native.spans.every(({ ended }) => ended),
        true,
      );
      assert.equal(
        native.spans.every(({ writesAfterEnd }) => writesAfterEnd === 0),
        true,
      );
      assert.equal(exporting.count("swallowed_errors"), 0);
    });
  }

  test("have ids of their own where the runtime tells none", async () => {
    const native = NativeDouble.of("1 October");
    const exporting = exportingOver(nativeRuntime(native.tracing), receiver);
    native.isTraced = true;
    await family(exporting);
    const spans = await exporting.spans();
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    assert.match(spans[0]?.spanId ?? "", /^[0-9a-f]{16}$/);
  });
});

describe("attributes", () => {
  const long = "é".repeat(40_000);

  test("go out whole, however the runtime's budget cuts them", async () => {
    const exporting = exportingOver(new RecordingRuntime({ byteBudget: true }), receiver);
    const many = Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [`app.text${i}`, `${i}${"x".repeat(20_000)}`]),
    );
    const list = Array.from({ length: 20 }, (_, i) => `${i}${"y".repeat(2_000)}`);
    exporting.tracer.withSpan("work", { "app.long": long }, (span) => {
      span.setAttributes(many);
      span.setAttribute("app.list", list);
    });
    const sent = received(await exporting.spans(), "work");
    assert.deepEqual(sent.attributes, { "app.long": long, ...many, "app.list": list });
    assert.equal(sent.droppedAttributes, 0);
    const native = attributesOf(exporting.runtime.spans[0]);
    assert.ok(Buffer.byteLength(String(native["app.long"])) <= Abi.maxValueBytes);
    assert.equal(native["otel.dropped_attributes_count"], 1);
    const bytes = Object.entries(native).reduce(
      (sum, [key, value]) => sum + key.length + Buffer.byteLength(String(value)),
      0,
    );
    assert.ok(bytes <= 65_536, String(bytes));
  });

  test("go out whole where nothing else takes them", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const huge = "x".repeat(300_000);
    exporting.tracer.withSpan("work", { "app.long": long }, (span) =>
      span.setAttributes({ "app.huge": huge, "app.list": [huge] }),
    );
    const { attributes } = received(await exporting.spans(), "work");
    assert.deepEqual(attributes, { "app.long": long, "app.huge": huge, "app.list": [huge] });
    assert.equal(exporting.count("attributes_cut"), 0);
    assert.equal(exporting.count("attributes_dropped_bytes"), 0);
  });

  test("of the core go out whole too, and the runtime's are cut", async () => {
    const exporting = exportingOver(new RecordingRuntime({ byteBudget: true }), receiver);
    const options = { operation: Operation.chat, profile: Profile.agents, bounded: false };
    const { Field } = await import("../../../bindings/core/abi.gen.ts");
    const json = JSON.stringify([{ role: "user", content: "x".repeat(30_000) }]);
    activateSpan(exporting.telemetry, "chat m", options, (span) => {
      assert.ok(span !== undefined);
      span.start(span.newFields().text(Field.agentName, long).text(Field.inputMessages, json));
      span.finish();
    });
    const { attributes, kind, droppedAttributes } = received(await exporting.spans(), "chat m");
    assert.equal(attributes["gen_ai.agent.name"], long);
    assert.equal(attributes["gen_ai.input.messages"], json);
    assert.deepEqual([kind, droppedAttributes], [3, 0]);
    const native = attributesOf(exporting.runtime.spans[0]);
    assert.ok(Buffer.byteLength(String(native["gen_ai.agent.name"])) <= Abi.maxValueBytes);
    assert.equal(native["gen_ai.input.messages"], undefined);
    assert.equal(native["otel.dropped_attributes_count"], 1);
  });

  test("that no span can carry, and those past 128, are counted as dropped", async () => {
    const exporting = exportingOver(new RecordingRuntime({ byteBudget: true }), receiver);
    const odd = { "app.bigint": 1n, "app.nan": Number.NaN, "app.object": {} };
    const many = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`app.n${i}`, i]));
    exporting.tracer.withSpan("work", odd as unknown as Attributes, (span) =>
      span.setAttributes(many),
    );
    const { attributes, droppedAttributes } = received(await exporting.spans(), "work");
    assert.equal(Object.keys(attributes).length, 128);
    assert.equal(droppedAttributes, 5);
  });

  test("of a list stay what they were", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const list = ["a", "b"];
    exporting.tracer.withSpan("work", { "app.list": list }, () => {
      list.push("c");
    });
    list.length = 0;
    assert.deepEqual(received(await exporting.spans(), "work").attributes, {
      "app.list": ["a", "b"],
    });
  });

  test("set more than once have their last value", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    exporting.tracer.withSpan("work", { "app.n": 1 }, (span) => span.setAttribute("app.n", 2));
    assert.deepEqual(received(await exporting.spans(), "work").attributes, { "app.n": 2 });
  });
});

describe("ends", () => {
  test("failures have status error, error.type and an event, and never a message", async () => {
    const exporting = exportingOver(new RecordingRuntime(), receiver);
    const cause = new RangeError("s3cret");
    assert.throws(
      () =>
        exporting.tracer.withSpan("fails", {}, () => {
          throw cause;
        }),
      (thrown) => thrown === cause,
    );
    const span = received(await exporting.spans(), "fails");
    assert.deepEqual(span.attributes, { "error.type": "RangeError" });
    assert.deepEqual([span.status, span.events], [2, ["exception"]]);
    assert.doesNotMatch(JSON.stringify(span), /s3cret/);
  });

  test("a cancellation is no failure", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const { tracer } = exporting;
    assert.throws(() => tracer.withSpan("stops", {}, () => AbortSignal.abort().throwIfAborted()), {
      name: "AbortError",
    });
    const { status, events } = received(await exporting.spans(), "stops");
    assert.deepEqual([status, events], [0, []]);
  });

  test("what comes after the end is silent", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const span = exporting.tracer.openSpan("once", {}, (opened) => opened);
    assert.equal(span.isTraced, true);
    span.finish({ "app.end": 1 });
    span.setAttribute("app.late", 1);
    span.finish();
    span.fail(new Error());
    assert.equal(span.isTraced, false);
    const sent = await exporting.spans();
    assert.equal(sent.length, 1);
    assert.deepEqual([sent[0]?.attributes, sent[0]?.status], [{ "app.end": 1 }, 0]);
  });

  test("a clock that is set back makes no span that ends before it began", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    exporting.tracer.withSpan("back", {}, () => {
      exporting.clock.now -= 5_000;
    });
    assert.equal(received(await exporting.spans(), "back").durationMs, 0);
  });

  test("times are the clock's", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    exporting.tracer.withSpan("long", {}, () => {
      exporting.clock.now += 1_234;
    });
    assert.equal(received(await exporting.spans(), "long").durationMs, 1_234);
  });

  test("a span that ends after its trace's first is sent as well", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const late = exporting.tracer.withSpan("first", {}, () =>
      exporting.tracer.openSpan("late", {}, (span) => span),
    );
    assert.deepEqual(edges(await exporting.spans()), ["first"]);
    late.finish();
    assert.ok(exporting.held.length >= 2, "somebody waits for it");
    assert.deepEqual(edges(await exporting.spans()), ["late < *"]);
  });
});

describe("sampling", () => {
  test("a trace that is not recorded costs and sends nothing", async () => {
    const exporting = exportingOver(noopRuntime, receiver, { sampleRatio: 0 });
    const traced = exporting.tracer.withSpan("outer", {}, (outer) =>
      exporting.tracer.withSpan("inner", {}, (inner) => [outer.isTraced, inner.isTraced]),
    );
    assert.deepEqual(traced, [false, false]);
    assert.deepEqual(await exporting.spans(), []);
    assert.equal(exporting.count("otlp_made"), 0);
    assert.equal(exporting.count("spans_opened"), 0);
  });

  test("what would only be prepared for it is not prepared", async () => {
    const exporting = exportingOver(noopRuntime, receiver, { sampleRatio: 0 });
    assert.equal(isRecorded(exporting.telemetry), true);
    exporting.tracer.withSpan("outer", {}, () => {
      assert.equal(isRecorded(exporting.telemetry), false);
    });
  });

  test("the runtime's own span is there, recorded for OTLP or not", async () => {
    const exporting = exportingOver(new RecordingRuntime(), receiver, { sampleRatio: 0 });
    exporting.tracer.withSpan("outer", { "app.list": ["a"] }, () =>
      exporting.tracer.withSpan("inner", {}, () => {}),
    );
    assert.deepEqual(await exporting.spans(), []);
    const [outer, inner] = exporting.runtime.spans;
    assert.deepEqual([inner?.parentId, outer?.ended, inner?.ended], [outer?.id, true, true]);
  });

  test("whole traces are recorded, as many as the ratio says", async () => {
    const exporting = exportingOver(noopRuntime, receiver, { sampleRatio: 0.25 });
    for (let i = 0; i < 400; i += 1) {
      exporting.tracer.withSpan("outer", {}, () =>
        exporting.tracer.withSpan("inner", {}, () => {}),
      );
    }
    const spans = await exporting.spans();
    const inner = spans.filter(({ name }) => name === "inner");
    assert.equal(inner.length * 2, spans.length);
    // Five standard deviations.
    assert.ok(inner.length > 55 && inner.length < 145, String(inner.length));
  });

  test("of ended traces those that failed or were slow are kept, the rest is counted", async () => {
    const exporting = exportingOver(noopRuntime, receiver, { tail: { slowMs: 1_000 } });
    const { tracer, clock } = exporting;
    const trace = (name: string, body: () => void) =>
      tracer.withSpan(name, {}, () => tracer.withSpan(`in ${name}`, {}, body));
    trace("quick", () => {});
    trace("slow", () => {
      clock.now += 1_000;
    });
    const failure = new Error("no luck");
    assert.throws(
      () =>
        trace("failed", () => {
          throw failure;
        }),
      failure,
    );
    const names = (await exporting.spans()).map(({ name }) => name).sort();
    assert.deepEqual(names, ["failed", "in failed", "in slow", "slow"]);
    assert.equal(exporting.count("otlp_sampled_out"), 2);
    assert.equal(exporting.count("otlp_made"), 4);
    assert.equal(exporting.count("otlp_undecided"), 0);
  });

  test("a failure after the decision is kept by itself", async () => {
    const exporting = exportingOver(noopRuntime, receiver, { tail: {} });
    const late = exporting.tracer.withSpan("first", {}, () =>
      exporting.tracer.openSpan("late", {}, (span) => span),
    );
    const [good, bad] = exporting.tracer.withSpan("second", {}, () => [
      exporting.tracer.openSpan("good", {}, (span) => span),
      exporting.tracer.openSpan("bad", {}, (span) => span),
    ]);
    assert.equal(exporting.count("otlp_undecided"), 2);
    // Nobody waits for ever for spans that may never end.
    exporting.clock.now += 61_000;
    assert.deepEqual(await exporting.spans(), []);
    assert.equal(exporting.count("otlp_sampled_out"), 2);
    late.finish();
    good?.finish();
    bad?.fail(new Error());
    assert.deepEqual(edges(await exporting.spans()), ["bad < *"]);
  });

  test("traces that never end are decided on when too many wait", async () => {
    const exporting = exportingOver(noopRuntime, receiver, { tail: { ratio: 1 } });
    const { tracer } = exporting;
    for (let i = 0; i < 30; i += 1) {
      tracer.openSpan("never ends", {}, () => {
        for (let n = 0; n < 100; n += 1) tracer.withSpan("child", {}, () => {});
      });
    }
    assert.ok(exporting.count("otlp_undecided") <= 2_048);
    assert.equal(exporting.count("otlp_made") + exporting.count("otlp_undecided"), 3_000);
    await exporting.spans();
  });
});
