import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Core } from "../../../bindings/core/core.ts";
import { nativeRuntime } from "../../../bindings/trace/native_runtime.ts";
import type { TracerSpan } from "../../../bindings/trace/span.ts";
import type { Attributes } from "../../../bindings/trace/span_runtime.ts";
import type { Tracer } from "../../../bindings/trace/tracer.ts";
import { cyclic, revoked, untouchable, withThrowingGetter } from "../support/hostile.ts";
import { NativeDouble } from "../support/native_double.ts";
import { attributesOf, recording, spanNamed, tracingOver } from "../support/tracing.ts";

const dropped = "otel.dropped_attributes_count";
const cut = "isotel.cut_attributes_count";
const maxValueBytes = 28_672;

/** Writes attributes to one span of a recording runtime; what it has in the end. */
function written(
  use: (span: TracerSpan) => void,
  options: { readonly byteBudget?: boolean } = {},
): { readonly attributes: Record<string, unknown>; readonly count: (name: string) => number } {
  const tracing = recording(options);
  tracing.tracer.withSpan("work", {}, use);
  return { attributes: attributesOf(spanNamed(tracing, "work")), count: tracing.count };
}

/** The same over the double of the Workers runtime, whose budget is its own. */
function writtenNatively(use: (span: TracerSpan) => void) {
  const native = new NativeDouble();
  const tracing = tracingOver(nativeRuntime(native.tracing));
  native.isTraced = true;
  const span = tracing.tracer.openSpan("work", {}, (opened) => opened);
  use(span);
  span.fail(new RangeError());
  const [recorded] = native.spans;
  assert.ok(recorded !== undefined);
  return { ...recorded, count: tracing.count };
}

const all = (values: object) => values as Attributes;

describe("values", () => {
  test("text, finite numbers, booleans and lists of one of these are written", () => {
    const attributes = {
      text: "größer \u{1f389}",
      empty: "",
      number: -0.5,
      zero: 0,
      flag: false,
      texts: ["a", "b"],
      numbers: [1, 2.5],
      flags: [true, false],
      none: [],
    };
    const { attributes: actual, count } = written((span) => span.setAttributes(attributes));
    assert.deepEqual(actual, attributes);
    assert.equal(count("attributes_dropped_type"), 0);
  });

  test("where the runtime has no lists they are JSON", () => {
    const { attributes } = writtenNatively((span) =>
      span.setAttributes({ texts: ["a", 'b"c'], numbers: [1, 2], lone: ["\ud83c"] }),
    );
    assert.deepEqual(attributes, {
      texts: '["a","b\\"c"]',
      numbers: "[1,2]",
      lone: '["\\ud83c"]',
      "error.type": "RangeError",
    });
  });

  test("undefined is no value, and no drop", () => {
    const { attributes } = written((span) => {
      span.setAttribute("a", undefined);
      span.setAttributes({ a: undefined, b: 1 });
    });
    assert.deepEqual(attributes, { b: 1 });
  });

  const invalid: readonly (readonly [string, unknown])[] = [
    ["NaN", Number.NaN],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["null", null],
    ["a bigint", 1n],
    ["a symbol", Symbol("s")],
    ["a function", () => {}],
    ["an object", {}],
    ["a cyclic object", cyclic()],
    ["a date", new Date(0)],
    ["an untouchable proxy", untouchable()],
    ["a list of two types", ["a", 1]],
    ["a list with a hole", new Array(3)],
    ["a list of undefined", [undefined]],
    ["a list of null", [null]],
    ["a list of lists", [["a"]]],
    ["a cyclic list", cyclic()["list"]],
    ["a list of objects", [{}]],
    ["a list of bigints", [1n]],
    ["a list with NaN", [1, Number.NaN]],
    ["a typed array", new Uint8Array(3)],
  ];
  for (const [what, value] of invalid) {
    test(`${what} is left out and counted, what stands beside it is written`, () => {
      for (const use of [
        (span: TracerSpan) => span.setAttributes(all({ before: 1, bad: value, after: 2 })),
        (span: TracerSpan) => {
          span.setAttribute("before", 1);
          span.setAttribute("bad", value as never);
          span.setAttribute("after", 2);
        },
      ]) {
        const { attributes, count } = written(use);
        assert.deepEqual(attributes, { before: 1, after: 2, [dropped]: 1 });
        assert.equal(count("attributes_dropped_type"), 1);
      }
    });
  }

  test("values of every bad kind at once, after the allowance is used up, are counted too", () => {
    const { attributes, count } = written((span) => {
      span.setAttributes(Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`k${i}`, i])));
      span.setAttributes(all(Object.fromEntries(invalid)));
    });
    assert.equal(count("attributes_dropped_limit"), 2);
    assert.equal(count("attributes_dropped_type"), invalid.length);
    assert.equal(attributes[dropped], 2 + invalid.length);
  });
});

describe("objects that hold attributes", () => {
  for (const [what, attributes] of [
    ["undefined", undefined],
    ["null", null],
    ["a text", "text"],
    ["a number", 1],
    ["a function", () => {}],
    ["an untouchable proxy", untouchable()],
    ["a revoked proxy", revoked()],
  ] as const) {
    test(`${what} in their place throws nothing`, () => {
      const tracing = recording();
      const result = tracing.tracer.withSpan("work", attributes as never, (span) => {
        span.setAttributes(attributes as never);
        span.finish(attributes as never);
        return "result";
      });
      assert.equal(result, "result");
      assert.deepEqual(attributesOf(spanNamed(tracing, "work")), {});
    });
  }

  test("own enumerable properties count, inherited ones and symbols do not", () => {
    class Base {
      inherited = 1;
      get accessor() {
        return 2;
      }
    }
    const own = Object.assign(Object.create({ proto: 1 }) as object, { own: 1 });
    const { attributes } = written((span) => {
      span.setAttributes(all(own));
      span.setAttributes(all(new Base()));
      span.setAttributes(all({ [Symbol("s")]: 1 }));
      span.setAttributes(all(Object.assign(Object.create(null) as object, { bare: 1 })));
      span.setAttributes(all(Object.defineProperty({}, "hidden", { value: 1 })));
      span.setAttributes(Object.freeze({ frozen: 1 }));
    });
    assert.deepEqual(attributes, { own: 1, inherited: 1, bare: 1, frozen: 1 });
  });

  test("a getter that throws is swallowed and counted, and the span goes on", () => {
    const { attributes, count } = written((span) => {
      span.setAttributes(all(withThrowingGetter("bad", { before: 1 })));
      span.setAttribute("after", 2);
    });
    assert.equal(attributes["after"], 2);
    assert.equal(count("swallowed_errors"), 1);
  });

  test("a getter is read once", () => {
    let reads = 0;
    const attributes = {
      get once() {
        reads += 1;
        return `read ${reads}`;
      },
      large: "x".repeat(50_000),
    };
    const { attributes: actual } = written((span) => span.setAttributes(attributes));
    assert.equal(actual["once"], "read 1");
    assert.equal(reads, 1);
  });

  test("a key that is no text throws nothing", () => {
    const { attributes } = written((span) => {
      for (const key of [Symbol("s"), undefined, null, 1, untouchable(), revoked()]) {
        span.setAttribute(key as never, 1);
      }
      span.setAttribute("after", 2);
    });
    assert.equal(attributes["after"], 2);
  });

  test("the caller's object is left as it is", () => {
    const attributes = Object.freeze({
      a: 1,
      list: Object.freeze(["x"]),
      big: "x".repeat(1 << 20),
    });
    written((span) => span.setAttributes(attributes));
    assert.deepEqual(Object.keys(attributes), ["a", "list", "big"]);
  });
});

describe("the limit of 128 attributes", () => {
  const many = (from: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${from + i}`, i]));

  for (const [what, use] of [
    ["in one call", (span: TracerSpan) => span.setAttributes(many(0, 200))],
    [
      "one by one",
      (span: TracerSpan) => {
        for (let i = 0; i < 200; i += 1) span.setAttribute(`k${i}`, i);
      },
    ],
    [
      "in calls of 50",
      (span: TracerSpan) => {
        for (let i = 0; i < 200; i += 50) span.setAttributes(many(i, 50));
      },
    ],
    ["with the end", (span: TracerSpan) => span.finish(many(0, 200))],
  ] as const) {
    test(`holds for attributes given ${what}: the first are kept, the rest is counted`, () => {
      const { attributes, count } = written(use);
      const { [dropped]: drops, ...own } = attributes;
      assert.deepEqual(Object.keys(own), Object.keys(many(0, 128)));
      assert.equal(drops, 72);
      assert.equal(count("attributes_dropped_limit"), 72);
    });
  }

  test("a thousand at once are counted to the last", () => {
    const { attributes, count } = written((span) => span.setAttributes(many(0, 1000)));
    assert.equal(attributes[dropped], 872);
    assert.equal(count("attributes_dropped_limit"), 872);
  });
});

describe("large values", () => {
  test("a text is cut to 28 KiB at a character, and the cut is counted", () => {
    const { attributes, count } = written((span) => {
      span.setAttribute("ascii", "x".repeat(1 << 20));
      span.setAttribute("wide", `a${"é".repeat(1 << 20)}`);
    });
    assert.equal(attributes["ascii"], "x".repeat(maxValueBytes));
    assert.equal(attributes["wide"], `a${"é".repeat((maxValueBytes - 2) / 2)}`);
    assert.equal(attributes[cut], 2);
    assert.equal(count("attributes_cut"), 2);
  });

  test("a text that fits in bytes is kept, however many units were feared", () => {
    const wide = "é".repeat(maxValueBytes / 2);
    const { attributes } = written((span) => span.setAttribute("wide", wide));
    assert.deepEqual(attributes, { wide });
  });

  test("a surrogate pair at the cut stays whole", () => {
    const text = `abc${"\u{1f389}".repeat(10_000)}`;
    const { attributes } = written((span) => span.setAttribute("emoji", text));
    assert.equal(attributes["emoji"], `abc${"\u{1f389}".repeat((maxValueBytes - 4) / 4)}`);
  });

  test("a list that is too large is dropped, for half of it would be another list", () => {
    const { attributes } = written((span) =>
      span.setAttributes({ list: Array.from({ length: 10_000 }, () => "text"), after: 1 }),
    );
    assert.deepEqual(attributes, { after: 1, [dropped]: 1 });
  });

  test("a key of a megabyte is dropped where bytes count", () => {
    const { attributes, count } = written(
      (span) => span.setAttributes({ ["k".repeat(1 << 20)]: 1, after: 1 }),
      { byteBudget: true },
    );
    assert.deepEqual(attributes, { after: 1, [dropped]: 1 });
    assert.equal(count("attributes_dropped_bytes"), 1);
  });
});

describe("the 64 KiB of a native span", () => {
  const kib = (count: number) => "x".repeat(1024 * count);
  const uses: Record<string, (span: TracerSpan) => void> = {
    "many values in one call": (span) =>
      span.setAttributes(
        Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, kib(8)])),
      ),
    "many values one by one": (span) => {
      for (let i = 0; i < 40; i += 1) span.setAttribute(`k${i}`, kib(8));
    },
    "one value after another of a megabyte": (span) => {
      for (let i = 0; i < 10; i += 1) span.setAttribute(`k${i}`, kib(1024));
    },
    "text of three bytes a unit": (span) => {
      for (let i = 0; i < 10; i += 1) span.setAttribute(`k${i}`, "€".repeat(9000));
    },
    "lone surrogates": (span) => {
      for (let i = 0; i < 10; i += 1) span.setAttribute(`k${i}`, "\ud83c".repeat(9000));
    },
    "lists of control characters": (span) => {
      for (let i = 0; i < 30; i += 1) span.setAttribute(`k${i}`, ["\0".repeat(700), "\u{1f389}"]);
    },
    "values beside a getter that throws": (span) => {
      for (let i = 0; i < 20; i += 1) {
        span.setAttributes(all(withThrowingGetter("bad", { [`k${i}`]: kib(8) })));
      }
    },
    "values with the end": (span) =>
      span.finish(Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`k${i}`, kib(4)]))),
    "numbers under long keys": (span) => {
      for (let i = 0; i < 128; i += 1) span.setAttribute(`${i}${"k".repeat(900)}`, i);
    },
    "the same key again and again": (span) => {
      for (let i = 0; i < 100; i += 1) span.setAttribute("k", `${i}${kib(4)}`);
    },
  };
  for (const [what, use] of Object.entries(uses)) {
    test(`are never exceeded by ${what}, and the finish attributes arrive`, () => {
      const span = writtenNatively(use);
      assert.equal(span.isOverBudget, false);
      assert.equal(span.ended, true);
      if (what !== "values with the end") {
        assert.equal(span.attributes["error.type"], "RangeError");
        assert.equal(span.status, "error");
      }
      const lost = Number(span.attributes[dropped] ?? 0) + Number(span.attributes[cut] ?? 0);
      if (what !== "values beside a getter that throws") {
        assert.ok(lost > 0, "nothing was dropped or cut");
      }
    });
  }

  test("small values survive a large one in the same call", () => {
    const { attributes } = writtenNatively((span) =>
      span.setAttributes({
        first: kib(27),
        second: kib(27),
        third: kib(27),
        id: "small",
        number: 7,
      }),
    );
    assert.equal(attributes["id"], "small");
    assert.equal(attributes["number"], 7);
    assert.equal(attributes[cut], 3);
  });
});

test("attributes that fit are written without asking the core", () => {
  const tracing = recording({ byteBudget: true });
  const core = tracing.telemetry.host.core as Core;
  const asked: string[] = [];
  const { reserveAttributes, fitAttributes } = core;
  core.reserveAttributes = (...args) => {
    asked.push("charge");
    return reserveAttributes.apply(core, args);
  };
  core.fitAttributes = (...args) => {
    asked.push("fit");
    return fitAttributes.apply(core, args);
  };
  tracing.tracer.withSpan("work", { a: 1, b: "text" }, (span) => {
    for (let i = 0; i < 100; i += 1) span.setAttribute(`k${i}`, i);
  });
  assert.deepEqual(asked, []);
  assert.equal(spanNamed(tracing, "work").attributes.size, 102);
});

describe("a getter of an attribute", () => {
  const many = (prefix: string, count: number, value: unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, value]));
  const throwing = () => {
    throw new Error("no");
  };
  /** What it may do to the span whose attribute it is, and how many attributes that offers. */
  const actions: Record<string, readonly [(span: TracerSpan, tracer: Tracer) => unknown, number]> =
    {
      "sets one of the same span": [(span) => span.setAttribute("in0", 1), 1],
      "sets more of the same span than fit": [
        (span) => span.setAttributes(all(many("in", 120, 1))),
        120,
      ],
      "sets a text that takes the room of others": [
        (span) => span.setAttributes(all(many("in", 2, "€".repeat(7000)))),
        2,
      ],
      "opens a span that fails": [
        (_span, tracer) => assert.throws(() => tracer.withSpan("in", {}, throwing)),
        0,
      ],
    };
  const values: Record<string, unknown> = {
    texts: "x".repeat(300),
    numbers: 7,
    "lists of texts": ["a", "b"],
  };

  for (const [does, [action, offeredByIt]] of Object.entries(actions)) {
    for (const [what, value] of Object.entries(values)) {
      test(`that ${does} leaves the limits of the span whole, among ${what}`, () => {
        for (const count of [1, 60, 100, 128, 150]) {
          for (const at of new Set([0, count >> 1, count - 1])) {
            const native = new NativeDouble();
            const { tracer } = tracingOver(nativeRuntime(native.tracing));
            native.isTraced = true;
            const span = tracer.openSpan("work", {}, (opened) => opened);
            const get = () => {
              action(span, tracer);
              return value;
            };
            const outer = many("out", count, value);
            span.setAttributes(all(Object.defineProperty(outer, `out${at}`, { get })));
            span.finish();
            const [recorded] = native.spans;
            assert.ok(recorded !== undefined);
            const { attributes, isOverBudget, writesAfterEnd } = recorded;
            const own = Object.keys(attributes).filter((key) => /^(in|out)\d/.test(key));
            const offered = count + offeredByIt;
            assert.ok(own.length <= 128, `${own.length} of ${offered}`);
            assert.equal(own.length + Number(attributes[dropped] ?? 0), offered);
            assert.deepEqual([isOverBudget, writesAfterEnd], [false, 0]);
          }
        }
      });
    }
  }

  test("that ends the span is the last that is read, and what it gives is not written", () => {
    const native = new NativeDouble();
    const tracing = tracingOver(nativeRuntime(native.tracing));
    native.isTraced = true;
    const span = tracing.tracer.openSpan("work", {}, (opened) => opened);
    let reads = 0;
    const get = () => {
      reads += 1;
      span.finish();
      return "b";
    };
    const list = Object.defineProperty(["c"], 0, { get });
    span.setAttributes(all({ a: "a", list, rest: "d" }));
    assert.equal(reads, 1);
    assert.deepEqual(native.spans[0]?.attributes, { a: "a" });
    assert.equal(native.spans[0]?.writesAfterEnd, 0);
    assert.equal(tracing.count("late_writes"), 1);
  });

  test("of a list is read once, so that a list is as large as it was when it was weighed", () => {
    let reads = 0;
    const get = () => {
      reads += 1;
      return "x".repeat(reads * 20_000);
    };
    const list = Object.defineProperty(["x"], 0, { get });
    const { attributes, isOverBudget } = writtenNatively((span) =>
      span.setAttributes(all({ list, last: "here" })),
    );
    assert.equal(reads, 1);
    assert.equal(isOverBudget, false);
    assert.equal(attributes["last"], "here");
  });
});
