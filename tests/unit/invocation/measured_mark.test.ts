import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Recorded } from "../../../bindings/trace/invocation_scope.ts";
import { isMeasured, markMeasured } from "../../../bindings/trace/measured_mark.ts";
import { noopRuntime, noopWriter } from "../../../bindings/trace/span_runtime.ts";

function bitsOf(hasRequest: boolean, hasGenAi: boolean): number {
  const measured = (hasRequest ? Recorded.request : 0) | (hasGenAi ? Recorded.genAi : 0);
  return measured | Recorded.span;
}

function markOf(hasRequest: boolean, hasGenAi: boolean): unknown {
  let mark: unknown;
  const setAttribute = (key: string, value: unknown) => {
    assert.equal(key, "isotel.measured");
    mark = value;
  };
  const activeSpan = () => ({ ...noopWriter, setAttribute });
  markMeasured({ ...noopRuntime, activeSpan }, bitsOf(hasRequest, hasGenAi));
  return mark;
}

describe("the mark of an invocation that is measured", () => {
  for (const hasRequest of [true, false]) {
    for (const hasGenAi of [true, false]) {
      test(`tells of ${hasRequest ? "" : "no "}request and ${hasGenAi ? "" : "no "}calls`, () => {
        const mark = markOf(hasRequest, hasGenAi);
        assert.equal(isMeasured(mark, "request"), hasRequest);
        assert.equal(isMeasured(mark, "gen_ai"), hasGenAi);
      });
    }
  }

  test("never throws, whatever the runtime does", () => {
    markMeasured(noopRuntime, bitsOf(true, true));
    const activeSpan = () => {
      throw new Error("broken");
    };
    markMeasured({ ...noopRuntime, activeSpan }, bitsOf(true, true));
    assert.equal(isMeasured(undefined, "request"), false);
    assert.equal(isMeasured(7, "request"), false);
  });
});
