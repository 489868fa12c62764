import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CollectedSpan } from "../../../bindings/collector/spans/collected_span.ts";
import { CollectorCounts } from "../../../bindings/collector/spans/counts.ts";
import { AttributeReader } from "../../../bindings/collector/spans/read_attributes.ts";

type List = TailStream.Attribute[];

const newSpan = () => new CollectedSpan("span", "0", "1", "", undefined, false, 1, 0, {});
const newReader = () => new AttributeReader(undefined, new CollectorCounts());

/** What a span has once it was told of these lists. */
function read(reader: AttributeReader, lists: readonly List[]) {
  const span = newSpan();
  for (const list of lists) reader.read(span, list);
  const { attributes, units, droppedAttributesCount, errorType, operation, status } = span;
  return {
    attributes: { keys: [...attributes.keys], values: [...attributes.values] },
    ...{ units, droppedAttributesCount, errorType, operation, status },
  };
}

const few: List = [
  { name: "a", value: "1" },
  { name: "b", value: 2n },
];
const lists: readonly List[] = [
  few,
  [],
  [...few, { name: "c", value: true }],
  [few[1] as List[number], few[0] as List[number]],
  [few[0] as List[number], { name: "error.type", value: "TypeError" }],
  [few[0] as List[number], { name: "otel.status_code", value: "ERROR" }],
  [{ name: "otel.status_code", value: "OK" }, ...few],
  [...few, ...few],
  [few[0] as List[number], { name: "gone", value: undefined as unknown as string }, ...few],
  [...few, { name: "long", value: "x".repeat(140_000) }],
  [{ name: "gen_ai.operation.name", value: "chat" }, ...few],
  Array.from({ length: 40 }, (_, index) => ({ name: `k${index}`, value: index })),
];

describe("lists of keys that spans share", () => {
  test("are what each span would have alone, whatever was read before", () => {
    for (const before of lists) {
      for (const [index, list] of lists.entries()) {
        const reader = newReader();
        read(reader, [before]);
        read(reader, [before, list]);
        assert.deepEqual(read(reader, [list]), read(newReader(), [list]), `${index}`);
        const two = [list, before];
        assert.deepEqual(read(reader, two), read(newReader(), two), `${index} and more`);
      }
    }
  });

  test("are one for spans of one kind", () => {
    const reader = newReader();
    const spans = [newSpan(), newSpan(), newSpan()];
    for (const span of spans) reader.read(span, few);
    const [first, second, third] = spans.map(({ attributes }) => attributes.keys);
    assert.equal(first, second);
    assert.equal(second, third);
  });

  test("do not change with one of the spans", () => {
    const reader = newReader();
    const [changed, other, later] = [newSpan(), newSpan(), newSpan()];
    for (const span of [changed, other]) reader.read(span, few);
    changed.set("more", true);
    reader.read(changed, [{ name: "last", value: 1 }]);
    reader.read(later, few);
    assert.deepEqual(changed.attributes.keys, ["a", "b", "more", "last"]);
    assert.deepEqual(changed.attributes.values, ["1", 2, true, 1]);
    for (const span of [other, later]) assert.deepEqual(span.attributes.keys, ["a", "b"]);
  });
});
