import assert from "node:assert/strict";
import { test } from "node:test";
import { Abi, ErrorCode, Field, Operation, Outcome } from "../../bindings/core/abi.gen.ts";
import { MetricsCore } from "../../bindings/core/metrics_core.ts";
import { SpanFields } from "../../bindings/core/span_fields.ts";
import { SpanHost } from "./support/span_host.ts";

/** A host whose core measures spans. */
function measuringHost(flags = 0): { host: SpanHost; metrics: MetricsCore } {
  const host = new SpanHost();
  const id = new Uint8Array(16).fill(7);
  const metrics = MetricsCore.open(
    host.core,
    id,
    () => 1e12,
    () => assert.fail("the core trapped"),
  );
  assert.ok(metrics !== undefined);
  assert.equal(host.core.measureSpans(flags, "USD"), ErrorCode.ok);
  return { host, metrics };
}

function call({ core }: SpanHost, model: string, flags: number): void {
  const span = core.openSpan(Operation.chat, 0, 0, flags, 1000);
  const asked = new SpanFields().text(Field.providerName, "openai").text(Field.requestModel, model);
  core.startSpan(span, 0, asked, { write() {} });
  core.firstChunk(span, 1100);
  core.nextChunk(span, 1200);
  const used = new SpanFields().number(Field.inputTokens, 10).number(Field.outputTokens, 5);
  core.endSpan(span, Outcome.finished, 0, 2000, 0, 0, 0, 0, used, { write() {} });
}

test("metrics need a core that is a producer", () => {
  assert.equal(new SpanHost().core.measureSpans(0, ""), ErrorCode.outOfRange);
});

test("prices need no metrics: the cost is on the span", () => {
  const { core } = new SpanHost();
  const price = { model: "m", input: 2, output: 8, cacheRead: Number.NaN, cacheWrite: Number.NaN };
  assert.equal(core.setPrice(price), 0);
  assert.equal(core.setPrice({ ...price, input: -1 }), ErrorCode.invalidValue);
  const span = core.openSpan(Operation.chat, 0, 0, Abi.spanNative, 1000);
  core.startSpan(span, 0, new SpanFields().text(Field.requestModel, "m"), { write() {} });
  const used = new SpanFields().number(Field.inputTokens, 1e6).number(Field.outputTokens, 5e5);
  const written = new Map<string, unknown>();
  const write = (key: string, value: unknown) => written.set(key, value);
  core.endSpan(span, Outcome.finished, 0, 2000, 0, 0, 0, 0, used, { write });
  assert.equal(written.get("cloudflare.agents.usage.cost.amount"), 6);
  assert.equal(written.get("cloudflare.agents.usage.cost.currency"), "USD");
  assert.equal(written.get("cloudflare.agents.usage.cost.source"), "prices");
});

test("memory stays flat: 50,000 measured spans warm, 50,000 more", () => {
  const { host, metrics } = measuringHost();
  const run = () => {
    for (let i = 0; i < 50_000; i += 1) {
      call(host, `model ${i % 100}`, i % 2 === 0 ? Abi.spanNative : Abi.spanUntraced);
      if (i % 1000 === 0) metrics.flush(false);
    }
  };
  run();
  const warm = host.core.memoryBytes;
  run();
  assert.equal(host.core.memoryBytes, warm);
});

test("labels without end take memory that has one", () => {
  const { host, metrics } = measuringHost();
  const run = (from: number) => {
    for (let i = from; i < from + 20_000; i += 1) {
      call(host, `model ${i}`, Abi.spanUntraced);
      if (i % 1000 === 0) metrics.flush(false);
    }
  };
  run(0);
  const full = host.core.memoryBytes;
  run(20_000);
  assert.equal(host.core.memoryBytes, full);
  const counters = host.core.counters();
  assert.ok((counters["label_values_overflowed"] ?? 0) > 39_000, "the values have an end");
  assert.equal(counters["intern_overflows"], 0, "and so have the texts");
});

test("a text that is too long for a label takes no room among the texts", () => {
  const { host, metrics } = measuringHost();
  for (let i = 0; i < 6000; i += 1) call(host, `${i} ${"m".repeat(255)}`, Abi.spanUntraced);
  call(host, "m".repeat(256), Abi.spanUntraced);
  assert.equal(host.core.counters()["intern_overflows"], 0);
  const [frame] = metrics.flush(false);
  const text = new TextDecoder().decode(frame);
  assert.ok(text.includes("_OTHER") && text.includes("m".repeat(256)));
  assert.ok(!text.includes("5999 m"));
});

test("a label that makes memory grow loses no field that was filled before it", () => {
  let grown = 0;
  for (let round = 0; round < 10; round += 1) {
    const { core } = measuringHost(1000 << Abi.genaiValuesShift).host;
    for (let i = 0; i < 500 * round; i += 1) core.openSpan(Operation.custom, 0, 0, 0, 0);
    for (let i = 0; i < 1000; i += 1) {
      const span = core.openSpan(Operation.chat, 0, 0, Abi.spanNative, 1000);
      const attributes: Record<string, unknown> = {};
      const fields = new SpanFields().number(Field.seed, i);
      fields.text(Field.requestModel, `${i} ${"€".repeat(250)}`).number(Field.topK, i);
      const before = core.memoryBytes;
      core.startSpan(span, 0, fields, { write: (key, value) => (attributes[key] = value) });
      if (core.memoryBytes > before) grown += 1;
      assert.equal(attributes["gen_ai.request.seed"], i);
      assert.equal(attributes["gen_ai.request.top_k"], i);
    }
  }
  assert.ok(grown > 0, "memory never grew");
});
