import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compiledModule as otlpModule } from "#wasm/otlp";
import {
  BatchTooLargeError,
  encodeLogs,
  encodeTraces,
  OtlpEncoder,
} from "../../../bindings/otlp/core/encoder.ts";
import { IdGenerator } from "../../../bindings/otlp/core/ids.ts";
import {
  type FinishedSpan,
  type LogRecord,
  listAttributes,
  type OtlpFormat,
} from "../../../bindings/otlp/core/model.ts";
import { OtlpHost } from "../../../bindings/otlp/core/otlp_core.ts";
import { ModuleTrapError } from "../../../bindings/wasm/host.ts";
import { type Message, readJson, readProtobuf } from "../../otlp/definitions.ts";
import { plainSpan } from "../../otlp/plain_span.ts";
import { UserCode } from "../support/user_code.ts";

const none = listAttributes({});
const scope = { name: "test", version: "" };

const plainRecord: LogRecord = {
  unixMs: 1000,
  observedUnixMs: 1000,
  severityNumber: 9,
  severityText: "",
  body: undefined,
  attributes: none,
  droppedAttributesCount: 0,
  traceId: "",
  spanId: "",
  flags: 0,
  eventName: "",
};

interface Attribute {
  readonly key: string;
  readonly value: Message;
}

/** The spans of a request, which both formats have to say alike. */
function spansOf(spans: readonly FinishedSpan[]): Message[] {
  const encode = (format: OtlpFormat) => encodeTraces(spans, {}, scope, format);
  const read = readProtobuf("traces", encode("protobuf"));
  assert.deepEqual(readJson("traces", encode("json")), read);
  return at(read, "resourceSpans", 0, "scopeSpans", 0, "spans") as Message[];
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((found, key) => (found as Record<string, unknown>)[key], value);
}

/** What OTLP says of one attribute; undefined when it is left out. */
function carried(value: unknown): unknown {
  const span = { ...plainSpan, attributes: { keys: ["key"], values: [value] } };
  const attributes = spansOf([span])[0]?.["attributes"] as readonly Attribute[];
  assert.ok(attributes.length <= 1);
  assert.deepEqual(bodyOf(value), attributes[0]?.value ?? bodyOf(value));
  return attributes[0]?.value;
}

function bodyOf(body: unknown): unknown {
  const request = encodeLogs([{ ...plainRecord, body }], {}, scope, "protobuf");
  return at(
    readProtobuf("logs", request),
    ...["resourceLogs", 0, "scopeLogs", 0, "logRecords", 0, "body"],
  );
}

describe("values", () => {
  test("safe integers are integers, other numbers doubles", () => {
    for (const value of [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      assert.deepEqual(carried(value), { intValue: String(value) });
    }
    for (const value of [0.5, 2 ** 53, -(2 ** 53), 1e300, 5e-324, Number.POSITIVE_INFINITY]) {
      assert.deepEqual(carried(value), { doubleValue: value });
    }
    assert.deepEqual(carried(Number.NaN), { doubleValue: Number.NaN });
  });

  test("bigints are integers within 64 bits, and decimal texts past them", () => {
    for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n) - 5n]) {
      assert.deepEqual(carried(value), { intValue: String(value) });
    }
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 10n ** 40n]) {
      assert.deepEqual(carried(value), { stringValue: String(value) });
    }
    assert.deepEqual(carried(1n << 1_000_000n), {});
  });

  test("a text that comes back after a large bigint is itself again", () => {
    const values = ["a", 10n ** 40n, "a", 10n ** 40n, "a"];
    const spans = values.map((value) => ({
      ...plainSpan,
      attributes: listAttributes({ k: value }),
    }));
    for (const format of ["protobuf", "json"] as const) {
      const bytes = encodeTraces(spans, {}, scope, format);
      const read = format === "json" ? readJson : readProtobuf;
      const texts = JSON.stringify(read("traces", bytes)).match(/(?<="stringValue":")[^"]+/g);
      assert.deepEqual(texts, values.map(String));
    }
  });

  test("lists, objects, bytes, dates and null are what OTLP has for them", () => {
    assert.deepEqual(carried([1, "a", null, [true]]), {
      arrayValue: {
        values: [
          { intValue: "1" },
          { stringValue: "a" },
          {},
          { arrayValue: { values: [{ boolValue: true }] } },
        ],
      },
    });
    assert.deepEqual(carried({ a: 1, b: { c: "d" } }), {
      kvlistValue: {
        values: [
          { key: "a", value: { intValue: "1" } },
          {
            key: "b",
            value: { kvlistValue: { values: [{ key: "c", value: { stringValue: "d" } }] } },
          },
        ],
      },
    });
    const bytes = new Uint8Array([1, 2, 255]);
    assert.deepEqual(carried(bytes), { bytesValue: "AQL/" });
    assert.deepEqual(carried(bytes.buffer), { bytesValue: "AQL/" });
    assert.deepEqual(carried(new Float32Array([0.5])), {
      arrayValue: { values: [{ doubleValue: 0.5 }] },
    });
    assert.deepEqual(carried(new Date(0)), { stringValue: "1970-01-01T00:00:00.000Z" });
    assert.deepEqual(carried(new Date(Number.NaN)), {});
    assert.deepEqual(carried(null), {});
    assert.deepEqual(carried([]), { arrayValue: { values: [] } });
    assert.deepEqual(carried(Object.create(null)), { kvlistValue: { values: [] } });
  });

  test("undefined, functions and symbols are no attributes, and nothing inside of a list", () => {
    for (const value of [undefined, () => 1, Symbol("x")]) {
      assert.equal(carried(value), undefined);
      assert.deepEqual(carried([value]), { arrayValue: { values: [{}] } });
    }
  });

  test("the last value of a key counts, at the place of the first", () => {
    const attributes = {
      keys: ["a", "b", "a", "b", "c", "b"],
      values: [1, "x", 2, undefined, { deep: "y" }, "z"],
    };
    const [first, second] = spansOf([
      { ...plainSpan, attributes },
      // Texts of the first try are not known to the core.
      { ...plainSpan, attributes: listAttributes({ b: "x", c: "w" }) },
    ]);
    assert.deepEqual(first?.["attributes"], [
      { key: "a", value: { intValue: "2" } },
      { key: "b", value: { stringValue: "z" } },
      {
        key: "c",
        value: { kvlistValue: { values: [{ key: "deep", value: { stringValue: "y" } }] } },
      },
    ]);
    assert.deepEqual(second?.["attributes"], [
      { key: "b", value: { stringValue: "x" } },
      { key: "c", value: { stringValue: "w" } },
    ]);
  });
});

describe("hostile values", () => {
  test("what throws while it is read is empty, and what stands around it stays", () => {
    const throwing = {
      before: "x",
      get bad() {
        throw new Error("not for you");
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const attributes = {
      keys: ["first", "throwing", "revoked", "bytes", "first again", "last"],
      values: ["x", throwing, [1, { proxy }], new Uint8Array([7]), "x", "y"],
    };
    const [span] = spansOf([{ ...plainSpan, attributes }]);
    assert.deepEqual(span?.["attributes"], [
      { key: "first", value: { stringValue: "x" } },
      { key: "throwing", value: {} },
      { key: "revoked", value: {} },
      { key: "bytes", value: { bytesValue: "Bw==" } },
      { key: "first again", value: { stringValue: "x" } },
      { key: "last", value: { stringValue: "y" } },
    ]);
  });

  test("a circle ends at the depth limit", () => {
    const circle: Record<string, unknown> = { text: "x" };
    circle["self"] = circle;
    circle["list"] = [circle];
    let value = carried(circle);
    let depth = 0;
    while (at(value, "kvlistValue") !== undefined) {
      value = at(value, "kvlistValue", "values", 1, "value");
      depth += 1;
    }
    assert.equal(depth, 32);
    assert.deepEqual(value, {});
  });

  test("of a value no more than 16,384 parts are read", () => {
    let read = 0;
    const counting = (list: unknown[]): unknown[] =>
      new Proxy(list, {
        get(target, key) {
          if (typeof key === "string" && /^\d+$/.test(key)) read += 1;
          return Reflect.get(target, key);
        },
      });
    const wide = counting([]);
    // Forty lists of forty lists, 32 levels deep.
    for (let i = 0; i < 40; i += 1) wide.push(wide);
    for (const value of [wide, counting(new Array(1e6).fill(1))]) {
      read = 0;
      const attributes = { keys: ["value"], values: [value] };
      encodeTraces([{ ...plainSpan, attributes }], {}, scope, "protobuf");
      assert.ok(read > 1_000 && read <= 16_384, `${read} parts`);
    }
  });

  test("lone surrogates are U+FFFD, also where two texts would make a pair", () => {
    const attributes = {
      keys: ["a", "b", "c\ud83d", "\ude00d"],
      values: ["\ud83d", "\ude00", ["\ud83d", "\ude00"], { "\ud83d": "\ude00" }],
    };
    const [span] = spansOf([{ ...plainSpan, name: "\ud83d", attributes }]);
    assert.equal(span?.["name"], "\ufffd");
    assert.deepEqual(span?.["attributes"], [
      { key: "a", value: { stringValue: "\ufffd" } },
      { key: "b", value: { stringValue: "\ufffd" } },
      {
        key: "c\ufffd",
        value: { arrayValue: { values: [{ stringValue: "\ufffd" }, { stringValue: "\ufffd" }] } },
      },
      {
        key: "\ufffdd",
        value: {
          kvlistValue: { values: [{ key: "\ufffd", value: { stringValue: "\ufffd" } }] },
        },
      },
    ]);
    // What came before does not change what comes after.
    assert.equal(spansOf([{ ...plainSpan, name: "🚀" }])[0]?.["name"], "🚀");
  });

  test("a getter that encodes something itself disturbs neither", () => {
    let inner: Message[] = [];
    const value = {
      get nested() {
        inner = spansOf([{ ...plainSpan, name: "inner" }]);
        return "outer";
      },
    };
    const attributes = { keys: ["k", "value"], values: ["text", value] };
    const [span] = spansOf([{ ...plainSpan, attributes }]);
    assert.equal(inner[0]?.["name"], "inner");
    assert.deepEqual(at(span, "attributes", 0, "value"), { stringValue: "text" });
    assert.deepEqual(at(span, "attributes", 1, "value", "kvlistValue", "values", 0, "value"), {
      stringValue: "outer",
    });
  });

  test("spans whose identifiers are none are left out and counted", () => {
    const encoder = new OtlpEncoder();
    const bad = ["", "0".repeat(32), "x".repeat(32), `${plainSpan.traceId}0`, "ä".repeat(32)];
    const spans = bad.map((traceId) => ({ ...plainSpan, traceId }));
    const { bytes, skipped } = encoder.traces([...spans, plainSpan], {}, scope, "json");
    assert.equal(skipped, bad.length);
    const kept = at(readJson("traces", bytes), "resourceSpans", 0, "scopeSpans", 0, "spans");
    assert.equal((kept as unknown[]).length, 1);
    const noSpanId = encoder.traces([{ ...plainSpan, spanId: "0" }], {}, scope, "protobuf");
    assert.equal(noSpanId.skipped, 1);
  });
});

describe("large batches", () => {
  test("a text of 10 MB goes out whole in protobuf", () => {
    const text = "x".repeat(10_000_000);
    const request = encodeTraces([{ ...plainSpan, name: text }], {}, scope, "protobuf");
    assert.ok(request.length > text.length);
    assert.equal(
      at(readProtobuf("traces", request), "resourceSpans", 0, "scopeSpans", 0, "spans", 0, "name"),
      text,
    );
  });

  test("what is past 16 MiB, as a batch or as a request, is an error of its own and no trap", () => {
    const encoder = new OtlpEncoder();
    const refused = (name: string, format: OtlpFormat) =>
      assert.throws(
        () => encoder.traces([{ ...plainSpan, name }], {}, scope, format),
        BatchTooLargeError,
      );
    refused("x".repeat(17_000_000), "protobuf");
    refused("日".repeat(6_000_000), "protobuf");
    // Six bytes each.
    refused("\u0001".repeat(3_000_000), "json");
    const many = Array.from({ length: 12 }, () => ({ ...plainSpan, name: "y".repeat(2_000_000) }));
    for (const format of ["protobuf", "json"] as const) {
      assert.throws(() => encoder.traces(many, {}, scope, format), BatchTooLargeError);
    }
    const { bytes } = encoder.traces([plainSpan], {}, scope, "protobuf");
    assert.equal(bytes.length, encodeTraces([plainSpan], {}, scope, "protobuf").length);
  });

  test("a batch whose texts together are longer than a string can be is one of them", () => {
    const text = "x".repeat(2 ** 28);
    const spans = Array.from({ length: 4 }, () => ({
      ...plainSpan,
      attributes: { keys: ["a", "b"], values: [`${text}a`, `${text}b`] },
    }));
    assert.throws(() => encodeTraces(spans, {}, scope, "json"), BatchTooLargeError);
  });

  test("an instance that grew for a large batch is not kept", () => {
    const host = new OtlpHost(() => otlpModule);
    const encoder = new OtlpEncoder(host);
    const memory = () => host.use((core) => core.memoryBytes);
    const before = memory();
    encoder.traces([{ ...plainSpan, name: "x".repeat(10_000_000) }], {}, scope, "protobuf");
    assert.equal(memory(), before);
    assert.equal(host.traps, 0);
  });

  test("without the module there is an error, and no trap", () => {
    const host = new OtlpHost(() => undefined);
    const encode = () => new OtlpEncoder(host).traces([], {}, scope, "json");
    for (let i = 0; i < 2; i += 1) {
      assert.throws(encode, (error: Error) => {
        assert.ok(error instanceof ModuleTrapError);
        assert.match(String(error.cause), /otlp\.wasm could not be loaded/);
        return true;
      });
    }
    assert.equal(host.traps, 0);
  });
});

describe("user code that runs while a batch is written or a module is set up", () => {
  const inner = (prefix: string) => ({
    ...plainSpan,
    name: prefix.repeat(5_000),
    attributes: listAttributes({ [prefix]: [prefix, 1, { deep: prefix }] }),
  });
  const actions: Record<string, () => unknown> = {
    "encodes spans": () => encodeTraces([inner("a"), inner("\ud800")], {}, scope, "json"),
    "encodes records": () =>
      encodeLogs([{ ...plainRecord, body: { b: 1n } }], {}, scope, "protobuf"),
    "encodes what is too large": () =>
      assert.throws(() => encodeTraces([inner("c".repeat(4_000))], {}, scope, "protobuf")),
    "makes identifiers": () => new IdGenerator().traceId(),
  };
  const value = {
    text: "größer",
    texts: ["a", "b", "a"],
    numbers: [1, -0.5, 2 ** 60],
    deep: { list: [{ flag: true }, null], big: 2n ** 70n },
  };

  /** A batch whose values are getters, with a text in one place that has to be repaired. */
  function encoded(code: UserCode, text: string, format: OtlpFormat): Uint8Array {
    class When extends Date {
      override toISOString(): string {
        code.reach("toISOString");
        return super.toISOString();
      }
    }
    const own = code.getters({ ...value, text });
    const attributes = listAttributes({ own, when: new When(0), same: "x", list: [own, own] });
    const spans = ["one", "two"].map((name) => ({ ...plainSpan, name, attributes }));
    return encodeTraces(spans, { resource: own }, scope, format).slice();
  }

  for (const [does, action] of Object.entries(actions)) {
    for (const format of ["json", "protobuf"] as const) {
      test(`a getter that ${does} changes nothing of the request, as ${format}`, () => {
        for (const text of ["plain", "a lone \ud83c"]) {
          const alone = new UserCode();
          const expected = encoded(alone, text, format);
          assert.ok(alone.points.length > 50);
          for (const [target, what] of alone.points.entries()) {
            // What is read again and again stands for itself the first time.
            if (alone.points.indexOf(what) !== target) continue;
            const actual = encoded(new UserCode(target, action), text, format);
            assert.deepEqual(actual, expected, `${what} ${text}`);
          }
        }
      });
    }
  }

  test("a source of randomness that uses the module gives it the same seed", (t) => {
    const fill = (view: ArrayBufferView): ArrayBufferView => {
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(7);
      return view;
    };
    const { mock } = t.mock.method(crypto, "getRandomValues", fill);
    const expected = new IdGenerator(new OtlpHost(() => otlpModule)).traceId();
    const host = new OtlpHost(() => otlpModule);
    mock.mockImplementation((view: ArrayBufferView) => {
      host.use((core) => core.traceState(`a=1,b=${"€".repeat(16_000)}`));
      return fill(view);
    });
    assert.equal(new IdGenerator(host).traceId(), expected);
  });
});
