import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { utf8Length } from "../../bindings/base/bytes.ts";
import { Abi, ErrorCode, Operation, Outcome } from "../../bindings/core/abi.gen.ts";
import { type FitSize, RawCore } from "./support/raw_core.ts";
import { type Attributes, SpanHost } from "./support/span_host.ts";

const nativeBytes = 64 * 1024;
const reservedBytes = 4 * 1024;
const minCutBytes = 64;
const native = { flags: Abi.spanNative };

let raw: RawCore;
let host: SpanHost;
beforeEach(() => {
  raw = new RawCore();
  host = new SpanHost();
});

const charge = (span: number, count: number, bytes: number, invalid = 0) =>
  raw.exports.isotel_span_reserve(raw.context, span, count, bytes, invalid);

/** Bytes the Workers runtime charges for attributes. */
function bytesOf(attributes: Attributes): number {
  const sizes = Object.entries(attributes).map(
    ([key, value]) => utf8Length(key) + (typeof value === "string" ? utf8Length(value) : 8),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("isotel_span_reserve", () => {
  test("a fresh custom span allows what the header says", () => {
    assert.equal(charge(raw.open(0, native), 0, 0), Abi.maxUserAttributes);
    assert.equal(raw.result(), Abi.startBytes);
    assert.equal(Abi.startBytes, nativeBytes - reservedBytes);
  });

  test("what is charged is gone, and never less than nothing is left", () => {
    const span = raw.open(0, native);
    assert.equal(charge(span, 8, 1000), 120);
    assert.equal(raw.result(), Abi.startBytes - 1000);
    assert.equal(charge(span, 200, 0xffffffff), 0);
    assert.equal(raw.result(), 0);
    assert.equal(charge(span, 0xffffffff, 0xffffffff), 0);
    assert.equal(raw.result(), 0);
  });

  test("bytes are unlimited where the runtime has no budget, the number is not", () => {
    const span = raw.open();
    assert.equal(charge(span, 28, 50_000_000), 100);
    assert.equal(raw.result(), 0xffffffff);
  });

  test("what was left out for its type is counted, on the span and in all", () => {
    const span = raw.open(0, native);
    charge(span, 0, 0, 3);
    assert.equal(raw.counters()["attributes_dropped_type"], 3);
    const entries = raw.exports.isotel_span_end(raw.context, span, 0, 0, 0, 0, 0, 2);
    assert.equal(entries, 1);
    const [entry] = raw.plan(entries);
    assert.equal(raw.numberAt(entry?.field ?? 0), 5);
    assert.equal(raw.counters()["attributes_dropped_type"], 5);
  });
});

describe("isotel_span_fit", () => {
  const text = (value: number): FitSize => ({ key: 10, value, cuttable: true });
  const document = (value: number): FitSize => ({ key: 10, value });

  test("what fits is kept whole", () => {
    const span = raw.open(0, native);
    const sizes = [text(1000), document(8), text(Abi.maxValueBytes)];
    assert.deepEqual(raw.fit(span, sizes), [Abi.keepAll, Abi.keepAll, Abi.keepAll]);
    assert.equal(charge(span, 0, 0), Abi.maxUserAttributes - 3);
    assert.equal(raw.result(), Abi.startBytes - 30 - 1008 - Abi.maxValueBytes);
  });

  test("a text above the largest value is cut to it, what cannot be cut is dropped", () => {
    const span = raw.open(0, native);
    const over = Abi.maxValueBytes + 1;
    assert.deepEqual(raw.fit(span, [text(over), document(over)]), [Abi.maxValueBytes, 0]);
    const { attributes_cut, attributes_dropped_bytes } = raw.counters();
    assert.deepEqual([attributes_cut, attributes_dropped_bytes], [1, 1]);
  });

  test("the largest values pay first, and what is kept fits", () => {
    const span = raw.open(0, native);
    const sizes = [text(21_000), text(25_000), text(22_000), text(100), document(500)];
    const [a = 0, b = 0, c = 0, small, fixed] = raw.fit(span, sizes);
    assert.deepEqual([small, fixed], [Abi.keepAll, Abi.keepAll]);
    const kept = [a, b, c].map((keep, index) =>
      keep === Abi.keepAll ? (sizes[index] as FitSize).value : keep,
    );
    const sum = kept.reduce((total, value) => total + value, 0);
    assert.ok(sum + 600 + 50 <= Abi.startBytes, `${sum}`);
    assert.ok(sum + 600 + 50 > Abi.startBytes - 10, `${sum}`);
    assert.equal(Math.max(...kept) - Math.min(...kept) <= 1, true, `${kept}`);
  });

  test("a text is dropped rather than cut below 64 bytes", () => {
    const span = raw.open(0, native);
    charge(span, 0, Abi.startBytes - 2 * (10 + minCutBytes) + 1);
    const decisions = raw.fit(span, [text(5000), text(5000)]);
    assert.deepEqual(decisions.filter((keep) => keep === 0).length, 1);
    const [kept = 0] = decisions.filter((keep) => keep !== 0);
    assert.ok(kept >= minCutBytes && kept <= 137, `${kept}`);
  });

  test("128 attributes are accepted, those beyond are dropped and counted", () => {
    const span = raw.open(0, native);
    charge(span, 100, 0);
    const sizes = Array.from({ length: 50 }, () => document(8));
    assert.equal(raw.fit(span, sizes).length, 28);
    assert.equal(raw.counters()["attributes_dropped_limit"], 22);
    assert.deepEqual(raw.fit(span, sizes), []);
    assert.equal(raw.counters()["attributes_dropped_limit"], 72);
  });

  test("more than the table holds at once are counted to the last", () => {
    const span = raw.open();
    assert.equal(
      raw.fit(
        span,
        Array.from({ length: 1000 }, () => document(8)),
      ).length,
      128,
    );
    assert.equal(raw.counters()["attributes_dropped_limit"], 872);
  });

  test("a count beyond the buffer is an error, and nothing happened", () => {
    const span = raw.open(0, native);
    raw.exports.isotel_buffer(raw.context, 64);
    for (const count of [9, 0x20000000, 0xffffffff]) {
      const fresh = new RawCore();
      const other = fresh.open(0, native);
      fresh.exports.isotel_buffer(fresh.context, 64);
      const answer = fresh.exports.isotel_span_fit(fresh.context, other, count, 0);
      assert.equal(answer, ErrorCode.outOfRange);
      assert.equal(fresh.counters()["attributes_dropped_limit"], 0);
    }
    assert.equal(charge(span, 0, 0), Abi.maxUserAttributes);
  });
});

describe("large values of the table", () => {
  const finish = {
    responseId: "response",
    finishReason: "stop",
    inputTokens: 12,
    outputTokens: 3,
  };
  const finished: Attributes = {
    "gen_ai.response.id": "response",
    "cloudflare.agents.response.finish_reason": "stop",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "cloudflare.agents.usage.total_tokens": 15,
  };

  test("text is cut at a character, to 28 KiB at most, and the cut is counted on the span", () => {
    const agentName = "é".repeat(20_000);
    const { attributes, span } = host.open(Operation.chat, { ...native, fields: { agentName } });
    assert.equal(attributes["gen_ai.agent.name"], "é".repeat(Abi.maxValueBytes / 2));
    assert.deepEqual(host.end(span, Outcome.finished, { fields: finish }), {
      ...finished,
      "isotel.cut_attributes_count": 1,
    });
  });

  test("a document is dropped whole, and the drop is counted on the span", () => {
    const fields = { inputMessages: `["${"x".repeat(Abi.maxValueBytes)}"]`, agentName: "agent" };
    const { attributes, span } = host.open(Operation.chat, { ...native, fields });
    assert.deepEqual(attributes, {
      "gen_ai.operation.name": "chat",
      "gen_ai.agent.name": "agent",
    });
    assert.deepEqual(host.end(span, Outcome.finished, { fields: finish }), {
      ...finished,
      "otel.dropped_attributes_count": 1,
    });
  });

  test("whatever the start took, the finish attributes arrive within 64 KiB", () => {
    const big = "x".repeat(1 << 20);
    const fields = {
      agentId: big,
      agentName: big,
      agentVersion: "\u{1f389}".repeat(1 << 18),
      conversationId: big,
      requestModel: big,
      inputMessages: "[]",
    };
    const { attributes, span } = host.open(Operation.chat, { ...native, fields });
    const left = host.core.reserveAttributes(span, 0, 0, 0);
    host.core.reserveAttributes(span, left, host.core.reservedBytesLeft, 0);
    const end = host.end(span, Outcome.failed, { fields: { ...finish, errorType: "Error" } });
    assert.deepEqual(end, { ...finished, "error.type": "Error", "isotel.cut_attributes_count": 5 });
    assert.equal(attributes["gen_ai.input.messages"], "[]");
    assert.ok(bytesOf(attributes) <= nativeBytes - reservedBytes);
    assert.ok(bytesOf({ ...attributes, ...end }) <= nativeBytes);
    assert.ok(!String(attributes["gen_ai.agent.version"]).includes("\ufffd"));
  });

  test("a large finish attribute gives way to the small ones", () => {
    const { span } = host.open(Operation.chat, native);
    const outputMessages = `["${"x".repeat(40_000)}"]`;
    const gatewayLogId = "l".repeat(30_000);
    const end = host.end(span, Outcome.finished, {
      fields: { ...finish, outputMessages, gatewayLogId },
    });
    assert.deepEqual(end, {
      ...finished,
      "cloudflare.ai_gateway.log.id": "l".repeat(Abi.maxValueBytes),
      "otel.dropped_attributes_count": 1,
      "isotel.cut_attributes_count": 1,
    });
  });

  test("multi-byte text that fits exactly is measured, not estimated", () => {
    const agentName = "é".repeat(Abi.maxValueBytes / 2);
    const { attributes, span } = host.open(Operation.chat, { ...native, fields: { agentName } });
    assert.equal(attributes["gen_ai.agent.name"], agentName);
    assert.deepEqual(host.end(span, Outcome.finished), {});
  });
});
