import assert from "node:assert/strict";
import { test } from "node:test";
import { startApp } from "./harness/app.ts";

const callsPerRequest = 500;

test("Wasm memory does not grow over 100,000 traced calls", async () => {
  const app = await startApp("memory", { tail: "sink" });
  try {
    const run = async (from: number, to: number): Promise<Record<string, number>> => {
      let diagnostics: Record<string, number> = {};
      for (let start = from; start < to; start += callsPerRequest) {
        const response = await app.fetch(`/calls?start=${start}&count=${callsPerRequest}`);
        diagnostics = (await response.json()) as Record<string, number>;
      }
      return diagnostics;
    };
    const warm = await run(0, 50_000);
    const end = await run(50_000, 100_000);
    assert.ok((warm["memory_bytes"] ?? 0) > 0, JSON.stringify(warm));
    assert.equal(end["memory_bytes"], warm["memory_bytes"]);
    assert.equal(end["traps"], 0);
    assert.ok((end["spans_opened"] ?? 0) >= 200_000, JSON.stringify(end));
    assert.equal(end["spans_ended"], end["spans_opened"]);
  } finally {
    await app.close();
  }
});
