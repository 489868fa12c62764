import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ErrorCode } from "../../bindings/core/abi.gen.ts";
import { OtlpAbi, otlpAbi } from "../../bindings/otlp/core/abi.gen.ts";
import { BatchWriter } from "../../bindings/otlp/core/batch_writer.ts";
import { OtlpEncoder } from "../../bindings/otlp/core/encoder.ts";
import { type FinishedSpan, listAttributes } from "../../bindings/otlp/core/model.ts";
import { OtlpCore, OtlpHost } from "../../bindings/otlp/core/otlp_core.ts";
import { writeHead, writeSpans } from "../../bindings/otlp/core/write_batch.ts";
import { ModuleTrapError } from "../../bindings/wasm/host.ts";
import { instantiate } from "../../bindings/wasm/module.ts";
import { plainSpan } from "../otlp/plain_span.ts";
import { build, compile, readModule } from "./support/module.ts";
import { Random } from "./support/random.ts";
import { withTrapIn } from "./support/wasm_binary.ts";

const bytes = readModule("otlp");
const module = compile(bytes);
const scope = { name: "test", version: "1" };

const span: FinishedSpan = {
  ...plainSpan,
  attributes: listAttributes({ text: "value", number: 1.5, list: [1, "a"], flag: true }),
  events: [{ name: "e", unixMs: 1500, attributes: listAttributes({}), droppedAttributesCount: 0 }],
};

describe(`the OTLP module of the ${build} build`, () => {
  test("the other build answers the same bytes", () => {
    const other = compile(readModule("otlp", "wasi"));
    const encode = (from: WebAssembly.Module, format: "protobuf" | "json") =>
      new OtlpEncoder(new OtlpHost(() => from)).traces([span, span], { a: "ä" }, scope, format);
    for (const format of ["protobuf", "json"] as const) {
      assert.deepEqual(encode(module, format), encode(other, format));
    }
  });

  test("calls with sizes of any kind answer, and the module lives on", () => {
    const random = new Random(11);
    const exports = instantiate(otlpAbi, module);
    const context = exports.isotel_otlp_create();
    const number = () => (random.once(3) ? random.bits() : random.below(64)) >>> 0;
    const errors: readonly number[] = [
      ErrorCode.outOfRange,
      ErrorCode.corrupt,
      ErrorCode.invalidUtf8,
      ErrorCode.tooLarge,
    ];
    for (let round = 0; round < 20_000; round += 1) {
      const sizes = [number(), number(), number(), number(), number(), number()] as const;
      const answer = exports.isotel_otlp_encode(
        context,
        random.below(3),
        random.below(3),
        random.below(7),
        ...sizes,
      );
      assert.ok(answer >= 0 || errors.includes(answer), `${answer}`);
      exports.isotel_otlp_trace_parent(context, number());
      exports.isotel_otlp_trace_state(context, number());
      exports.isotel_otlp_sample(context, number(), random.bits() / 2 ** 32);
      exports.isotel_otlp_ids(context, number());
      if (round % 100 === 0) {
        const at = exports.isotel_otlp_buffer(context, random.below(4096)) >>> 0;
        const size = random.below(4096);
        const view = new Uint8Array(exports.memory.buffer, at, Math.min(size, 64));
        for (let i = 0; i < view.length; i += 1) view[i] = random.bits();
      }
    }
    assert.equal(exports.isotel_otlp_buffer(context, OtlpAbi.maxBatchBytes + 1), 0);
    const core = new OtlpCore(module);
    assert.equal(core.traceState("a=1"), "a=1");
  });

  test("memory stays as it is over 20,000 batches", () => {
    const host = new OtlpHost(() => module);
    const encoder = new OtlpEncoder(host);
    const memory = () => host.use((core) => core.memoryBytes);
    const run = (times: number) => {
      for (let i = 0; i < times; i += 1) {
        encoder.traces([span, span], { n: i }, scope, i % 2 === 0 ? "json" : "protobuf");
      }
    };
    run(10_000);
    const warm = memory();
    run(10_000);
    assert.equal(memory(), warm);
  });
});

describe("a trap in the OTLP module", () => {
  const calls: Record<string, (core: OtlpCore) => unknown> = {
    isotel_otlp_buffer: (core) => core.traceParent("00"),
    isotel_otlp_output: (core) => core.ids(1),
    isotel_otlp_encode: (core) => core.encode(0, 0, 0, new BatchWriter()),
    isotel_otlp_skipped: (core) => {
      const batch = new BatchWriter();
      writeHead(batch, listAttributes({}), scope);
      writeSpans(batch, [span]);
      return core.encode(OtlpAbi.traces, OtlpAbi.json, OtlpAbi.dialectNone, batch);
    },
    isotel_otlp_seed: (core) => core.ids(1),
    isotel_otlp_ids: (core) => core.ids(1),
    isotel_otlp_sample: (core) => core.sample(0, span.traceId, 1),
    isotel_otlp_trace_parent: (core) => core.traceParent("00"),
    isotel_otlp_trace_state: (core) => core.traceState("a=1"),
  };

  for (const [name, call] of Object.entries(calls)) {
    test(`in ${name} is an error of its own, and the next use has another instance`, () => {
      let made = 0;
      const host = new OtlpHost(() => {
        made += 1;
        return made === 1 ? compile(withTrapIn(bytes, name)) : module;
      });
      assert.throws(() => host.use(call), ModuleTrapError);
      assert.equal(host.traps, 1);
      assert.equal(
        host.attempt(() => "alive", "dead"),
        "alive",
      );
      host.use(call);
      assert.equal(made, 2);
      assert.equal(host.traps, 1);
    });
  }

  test("in every instance turns the module off after a hundred of them", () => {
    let made = 0;
    const host = new OtlpHost(() => {
      made += 1;
      return compile(withTrapIn(bytes, "isotel_otlp_encode"));
    });
    const encoder = new OtlpEncoder(host);
    for (let i = 0; i < 120; i += 1) {
      assert.throws(() => encoder.traces([span], {}, scope, "json"), ModuleTrapError);
    }
    assert.equal(host.traps, 100);
    assert.equal(made, 100);
  });
});
