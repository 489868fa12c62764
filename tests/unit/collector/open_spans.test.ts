import assert from "node:assert/strict";
import { test } from "node:test";
import { CollectedSpan } from "../../../bindings/collector/spans/collected_span.ts";
import { OpenSpans } from "../../../bindings/collector/spans/open_spans.ts";

const ofId = (spanId: string) =>
  new CollectedSpan("span", "0", spanId, "", undefined, false, 1, 0, {});

/** A sequence of numbers below `limit` that is the same every time. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state >>> 8;
  }
}

test("open spans are found, deleted and listed as a map in order of insertion would", () => {
  for (const seed of [1, 2, 3]) {
    const random = numbers(seed);
    const open = new OpenSpans();
    const model = new Map<string, CollectedSpan>();
    let longest = 0;
    for (let step = 0; step < 4_000; step += 1) {
      const id = (random.next().value % 64).toString(16).padStart(16, "0");
      assert.equal(open.get(id), model.get(id));
      const known = model.get(id);
      if (known === undefined) {
        const span = ofId(id);
        open.add(span);
        model.set(id, span);
      } else if (random.next().value % 3 > 0) {
        open.delete(known);
        model.delete(id);
      }
      assert.equal(open.size, model.size);
      longest = Math.max(longest, open.size);
      if (step % 16 === 0) assert.deepEqual(open.all(), [...model.values()]);
    }
    // More than are looked through one by one.
    assert.ok(longest > 20, `${longest}`);
  }
});

test("a span that is not open is not deleted for another of its identifier", () => {
  const open = new OpenSpans();
  const span = ofId("0000000000000001");
  open.add(span);
  open.delete(ofId("0000000000000002"));
  assert.deepEqual(open.all(), [span]);
});
