import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Recorded } from "../../../bindings/trace/invocation_scope.ts";
import { invocationMark, isMeasured } from "../../../bindings/trace/measured_mark.ts";
import { noopRuntime, noopWriter } from "../../../bindings/trace/span_runtime.ts";

/** The marks that an invocation gets. Its span is active only when it begins. */
function marksOf(...recorded: readonly number[]): unknown[] {
  const marks: unknown[] = [];
  const setAttribute = (key: string, value: unknown) => {
    assert.equal(key, "isotel.measured");
    marks.push(value);
  };
  let isActive = true;
  const activeSpan = () => (isActive ? { ...noopWriter, setAttribute } : undefined);
  const mark = invocationMark({ ...noopRuntime, activeSpan });
  isActive = false;
  for (const bits of recorded) mark(bits);
  return marks;
}

const { duration, genAi, span } = Recorded;

describe("the mark of an invocation that is measured", () => {
  for (const hasDuration of [true, false]) {
    for (const hasGenAi of [true, false]) {
      test(`tells of ${hasDuration ? "" : "no "}duration and ${hasGenAi ? "" : "no "}calls`, () => {
        const [mark] = marksOf((hasDuration ? duration : 0) | (hasGenAi ? genAi : 0) | span);
        assert.equal(isMeasured(mark, "duration"), hasDuration);
        assert.equal(isMeasured(mark, "gen_ai"), hasGenAi);
      });
    }
  }

  test("is written when it changes", () => {
    assert.deepEqual(marksOf(span, span | duration), ["duration"]);
    assert.deepEqual(marksOf(genAi, genAi, genAi | duration), ["gen_ai", "duration gen_ai"]);
    assert.deepEqual(marksOf(0, span), []);
  });

  test("never throws, whatever the runtime does", () => {
    const broken = () => {
      throw new Error("broken");
    };
    invocationMark(noopRuntime)(duration);
    invocationMark({ ...noopRuntime, activeSpan: broken })(duration);
    const activeSpan = () => ({ ...noopWriter, setAttribute: broken });
    invocationMark({ ...noopRuntime, activeSpan })(duration);
    assert.equal(isMeasured(undefined, "duration"), false);
    assert.equal(isMeasured(7, "duration"), false);
  });
});
