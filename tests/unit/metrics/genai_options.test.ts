import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Abi } from "../../../bindings/core/abi.gen.ts";
import { readGenAi, type SpanMeasures } from "../../../bindings/metrics/genai_options.ts";
import { oddValues } from "../support/hostile.ts";

function read(value: unknown): [SpanMeasures | undefined, string[]] {
  const reports: string[] = [];
  return [readGenAi(value, (message) => reports.push(message)), reports];
}

const limit = 100 << Abi.genaiValuesShift;
const defaults = { flags: limit, currency: "USD", prices: [] };

describe("options of GenAI metrics", () => {
  test("need not be given, and false turns them off", () => {
    assert.deepEqual(read(undefined), [defaults, []]);
    assert.deepEqual(read({}), [defaults, []]);
    assert.deepEqual(read(false), [undefined, []]);
  });

  test("are taken as they are", () => {
    const [measures, reports] = read({
      formerNames: true,
      currency: "EUR",
      prices: { "gpt-5": { input: 1, output: 8, cacheRead: 0.1 }, free: { input: 0, output: 0 } },
    });
    assert.deepEqual(reports, []);
    assert.deepEqual(measures, {
      flags: Abi.genaiFormerNames | limit,
      currency: "EUR",
      prices: [
        { model: "gpt-5", input: 1, output: 8, cacheRead: 0.1, cacheWrite: Number.NaN },
        { model: "free", input: 0, output: 0, cacheRead: Number.NaN, cacheWrite: Number.NaN },
      ],
    });
  });

  test("that are something else are told of, and the defaults used", () => {
    for (const [what, make] of oddValues) {
      const value = make();
      if (typeof value === "object" && value !== null) continue;
      const [measures, reports] = read(value);
      if (value === undefined || value === true || value === false) continue;
      assert.deepEqual(measures, defaults, what);
      assert.equal(reports.length, 1, what);
      assert.match(reports[0] ?? "", /^isotel: metrics\.genAi is .*has to be false or an object/);
    }
  });

  test("a price that is none is told of with its model, and that model alone is left out", () => {
    for (const [price, says] of [
      [{ input: "1", output: 1 }, /prices\["m"\]\.input is a string of 1 characters/],
      [{ input: 1 }, /prices\["m"\]\.output is undefined/],
      [{ output: 1 }, /prices\["m"\]\.input is undefined/],
      [{ input: -1, output: 1 }, /\.input is the number -1/],
      [{ input: 1, output: Number.NaN }, /\.output is NaN/],
      [{ input: 1, output: 1, cacheRead: Number.POSITIVE_INFINITY }, /\.cacheRead is Infinity/],
      [{ input: 1, output: 1, cacheWrite: null }, /\.cacheWrite is null/],
      [1, /prices\["m"\] is the number 1; it has to be an object/],
    ] as const) {
      const [measures, reports] = read({ prices: { m: price, other: { input: 1, output: 1 } } });
      assert.equal(reports.length, 1, reports.join("\n"));
      assert.match(reports[0] ?? "", says);
      assert.deepEqual(
        measures?.prices.map(({ model }) => model),
        ["other"],
      );
    }
  });

  test("prices and currencies of another kind are told of", () => {
    assert.match(read({ prices: 7 })[1][0] ?? "", /metrics\.genAi\.prices is the number 7/);
    for (const currency of ["", "two words", "x".repeat(17), 3, null, {}]) {
      const [measures, reports] = read({ currency });
      assert.equal(measures?.currency, "USD");
      assert.match(reports[0] ?? "", /metrics\.genAi\.currency is .*USD is used/);
    }
  });

  test("more models than there is room for are told of", () => {
    const entries = Array.from({ length: 1001 }, (_, i) => [`m${i}`, { input: 1, output: 1 }]);
    const [measures, reports] = read({ prices: Object.fromEntries(entries) });
    assert.equal(measures?.prices.length, 1000);
    assert.match(reports[0] ?? "", /has 1001 models; it may have at most 1000/);
  });
});
