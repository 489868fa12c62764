import assert from "node:assert/strict";
import { test } from "node:test";
import { Abi, Field, Operation, Outcome } from "../../bindings/core/abi.gen.ts";
import { Core } from "../../bindings/core/core.ts";
import { noFields, SpanFields } from "../../bindings/core/span_fields.ts";
import { coreModule } from "./support/module.ts";
import { RawCore } from "./support/raw_core.ts";
import { SpanHost } from "./support/span_host.ts";

const newCore = () => new Core(coreModule, (cause) => assert.fail(`the core trapped: ${cause}`));

/** Makes memory grow; fails the test when it does not. */
function grow(core: Core): void {
  const before = core.memoryBytes;
  // Fewer than would give up the span under test.
  for (let i = 0; i < 9_000; i += 1) core.openSpan(Operation.custom, 0, 0, 0, 0);
  if (core.memoryBytes === before) {
    const sizes = Array.from({ length: 200_000 }, () => ({
      keyBytes: 1,
      valueBytes: 1,
      cuttable: false,
    }));
    core.fitAttributes(0, sizes, 0);
  }
  assert.ok(core.memoryBytes > before, `memory stayed at ${before}`);
}

test("fields filled before memory grows and after it are all planned", () => {
  const core = newCore();
  const span = core.openSpan(Operation.chat, 0, 0, Abi.spanNative, 0);
  const fields = new SpanFields();
  fields.text(Field.agentName, "before").number(Field.temperature, 0.25);
  grow(core);
  fields.text(Field.requestModel, "after").number(Field.seed, 7);
  const attributes: Record<string, unknown> = {};
  core.startSpan(span, 0, fields, { write: (key, value) => (attributes[key] = value) });
  assert.deepEqual(attributes, {
    "gen_ai.operation.name": "chat",
    "gen_ai.agent.name": "before",
    "gen_ai.request.temperature": 0.25,
    "gen_ai.request.model": "after",
    "gen_ai.request.seed": 7,
  });
});

test("a plan is whole although memory grows while its keys are read", () => {
  let grown = 0;
  class GrowingCore extends Core {
    constructor() {
      super(coreModule, (cause) => assert.fail(`the core trapped: ${cause}`));
      const { isotel_keys: keys, memory } = this.exports;
      // Growth detaches every view of memory. Whether the call itself needs a page depends on the build.
      const growingKeys: typeof keys = (context, profile) => {
        grown += 1;
        memory.grow(1);
        return keys(context, profile);
      };
      this.exports = { ...this.exports, isotel_keys: growingKeys };
    }
  }
  const core = new GrowingCore();
  const span = core.openSpan(Operation.chat, 0, 0, Abi.spanNative, 0);
  const fields = new SpanFields().text(Field.requestModel, "m").number(Field.seed, 7);
  const attributes: Record<string, unknown> = {};
  core.startSpan(span, 0, fields, { write: (key, value) => (attributes[key] = value) });
  assert.equal(grown, 1, "the keys are read once");
  assert.deepEqual(attributes, {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.request.seed": 7,
  });
});

test("results read after memory has grown are those of the last call", () => {
  const core = newCore();
  const span = core.openSpan(Operation.custom, 0, 0, Abi.spanNative, 0);
  grow(core);
  assert.ok(core.reserveAttributes(span, 1, 1000, 0) > 0);
  assert.equal(core.reservedBytesLeft, Abi.startBytes - 1000);
  assert.equal(core.counters()["spans_opened"], 9_001);
});

test("the status of a span that ends after memory has grown is its own", () => {
  const core = newCore();
  const span = core.openSpan(Operation.custom, 0, 0, Abi.spanNative, 0);
  core.setStatus(span, Abi.statusOk);
  grow(core);
  assert.equal(core.endSpan(span, 0, 0, 0, 0, 0, 0, 0, noFields, { write() {} }), Abi.statusOk);
});

test("a text that needs a larger buffer while fields are filled loses none of them", () => {
  let lost = 0;
  let grown = 0;
  for (let round = 0; round < 10; round += 1) {
    const host = new SpanHost();
    const { core } = host;
    for (let i = 0; i < 500 * round; i += 1) core.openSpan(Operation.custom, 0, 0, 0, 0);
    // A megabyte of texts, which no build has room for at first.
    for (let i = 0; i < 85; i += 1) {
      const { span } = host.open(Operation.chat, { flags: Abi.spanNative });
      const fields = new SpanFields().text(Field.responseId, "id");
      fields.verbatim(Field.finishReason, `reason ${i} ${"€".repeat(4000)}`);
      fields.number(Field.inputTokens, i);
      const before = core.memoryBytes;
      const attributes = host.close(span, Outcome.finished, fields);
      if (core.memoryBytes > before) grown += 1;
      if (attributes["gen_ai.usage.input_tokens"] !== i) lost += 1;
    }
  }
  assert.ok(grown > 0, "memory never grew");
  assert.equal(lost, 0, `usage lost ${lost} times in ${grown} growths`);
});

test("memory stays flat: 50,000 spans warm, 50,000 more", () => {
  const host = new SpanHost();
  const { core } = host;
  const run = () => {
    for (let i = 0; i < 10_000; i += 1) {
      const scope = core.openScope();
      const operation = host.open(Operation.invokeAgent, { scope, flags: Abi.spanNative });
      for (let call = 0; call < 4; call += 1) {
        const { span } = host.open(call === 3 ? Operation.custom : Operation.chat, {
          scope,
          parent: operation.span,
          flags: Abi.spanNative,
          fields: { agentName: `agent ${i}`, requestModel: "model" },
        });
        core.firstChunk(span, 5);
        host.end(span, Outcome.finished, { fields: { inputTokens: 1, finishReason: "stop" } });
      }
      core.spanName(Operation.chat, `model ${i}`);
      core.scopeSpans(scope, true);
      host.end(operation.span, Outcome.finished);
      core.closeScope(scope);
    }
  };
  run();
  const warm = core.memoryBytes;
  run();
  assert.equal(core.memoryBytes, warm);
  assert.equal(core.counters()["spans_ended"], 100_000);
});

test("memory stays flat over 20,000 contexts made and destroyed", () => {
  const raw = new RawCore();
  const run = (times: number) => {
    for (let i = 0; i < times; i += 1) {
      const context = raw.exports.isotel_create();
      raw.exports.isotel_buffer(context, 10_000);
      raw.exports.isotel_span_open(context, 0, 0, 0, 0, 0);
      raw.exports.isotel_scope_open(context);
      raw.exports.isotel_destroy(context);
    }
  };
  run(1000);
  const warm = raw.memoryBytes;
  run(20_000);
  assert.equal(raw.memoryBytes, warm);
});
