import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toolDefinitionsJson } from "../../../bindings/ai/content/record.ts";
import { cyclic, untouchable, withThrowingGetter } from "../support/hostile.ts";

const tool = (name: string, description: string) => ({
  type: "function",
  name,
  description,
  inputSchema: { type: "object", properties: { city: { type: "string" } } },
});

function definitions(tools: unknown): Record<string, unknown>[] {
  const json = toolDefinitionsJson(tools) ?? "";
  assert.ok(Buffer.byteLength(json) <= 28 * 1024, `${Buffer.byteLength(json)} bytes`);
  return JSON.parse(json) as Record<string, unknown>[];
}

describe("definitions of tools", () => {
  test("of which there are too many end with the number of those left out", () => {
    const all = definitions(
      Array.from({ length: 500 }, (_, index) => tool(`t${index}`, "é".repeat(40))),
    );
    const omitted = all.pop();
    assert.ok(all.length > 100);
    assert.deepEqual(omitted, { type: "omitted", name: "", tools: 500 - all.length });
    assert.deepEqual(all[99]?.["name"], "t99");
  });

  test("that are too long are cut and say so, their type and name kept", () => {
    const [first, second] = definitions([tool("long", "a word ".repeat(10_000)), tool("b", "b")]);
    assert.deepEqual([first?.["type"], first?.["name"]], ["function", "long"]);
    assert.match(String(first?.["description"]), /…\(\d+ bytes more\)$/);
    assert.equal(second?.["description"], "b");
  });

  test("of any shape are written or refused as a whole, never half", () => {
    for (const item of [null, 7, "tool", {}, cyclic(), withThrowingGetter("inputSchema", {})]) {
      const [definition] = definitions([item]);
      assert.deepEqual([definition?.["type"], definition?.["name"]], ["extension", ""]);
    }
    assert.throws(() => toolDefinitionsJson([untouchable()]), /may not be touched/);
  });

  test("are none where there are no tools", () => {
    for (const tools of [undefined, null, {}, [], "tools"]) {
      assert.equal(toolDefinitionsJson(tools), undefined);
    }
  });
});
