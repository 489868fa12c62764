import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import { assertAllClosed, spanNamed } from "./harness/assertions.ts";

interface Runs {
  readonly points: readonly string[];
  readonly expected: unknown;
  readonly actual: readonly unknown[];
}

/** What is below a span, without what a hook opened; times differ from run to run. */
function below(spans: readonly Span[], above: Span): unknown[] {
  return spans
    .filter(({ parentSpanId, name }) => parentSpanId === above.spanId && name !== "reentrant")
    .map((span) => {
      const attributes = Object.entries(span.attributes);
      const lasting = attributes.filter(([key]) => !key.includes("time_to_first_chunk"));
      const inside = below(spans, span);
      return JSON.stringify([span.name, span.status, Object.fromEntries(lasting), inside]);
    })
    .sort();
}

describe("hooks that call the library in workerd", () => {
  // Version 7 runs with the profile latest, which the name of its Worker says.
  let apps: { readonly v6: LocalWorker; readonly v7: LocalWorker };
  let listed: readonly { readonly name: string; readonly majors: readonly ("v6" | "v7")[] }[];
  before(async () => {
    apps = {
      v6: await startApp("ai_reentrance"),
      v7: await startApp("ai_reentrance", { config: { name: "ai_reentrance_latest" } }),
    };
    listed = (await (await apps.v6.fetch("/subjects")).json()) as typeof listed;
    await apps.v6.takeSpans();
  });
  after(() => Promise.all([apps.v6.close(), apps.v7.close()]));

  test("change no span and no result of any function of the AI SDK, and nothing unredacted leaves", async (t) => {
    let count = 0;
    for (const { name, majors } of listed) {
      for (const major of majors) {
        const app = apps[major];
        await t.test(`${name} of ${major}`, async () => {
          const query = new URLSearchParams({ function: name, major });
          const response = await app.fetch(`/runs?${query}`);
          const body = await response.text();
          assert.equal(response.status, 200, body);
          const { points, expected, actual } = JSON.parse(body) as Runs;
          const spans = await app.takeSpans();
          assertAllClosed(spans);
          const told = spans.map((span) => [
            span.name,
            span.attributes["gen_ai.operation.name"] ? span.attributes : {},
          ]);
          assert.doesNotMatch(JSON.stringify(told), /\w-1\b|tester/);
          const alone = below(spans, spanNamed(spans, "run alone"));
          assert.ok(points.length > 0 && alone.length > 0);
          assert.equal(actual.length, points.length);
          for (const [i, point] of points.entries()) {
            assert.deepEqual(actual[i], expected, point);
            assert.deepEqual(below(spans, spanNamed(spans, `run ${i}`)), alone, point);
          }
          assert.equal(spans.filter((span) => span.name === "reentrant").length, points.length);
          count += points.length;
        });
      }
    }
    t.diagnostic(`${count} runs`);
  });

  test("make no instance of the core trap", async () => {
    for (const app of [apps.v6, apps.v7]) {
      const diagnostics = (await (await app.fetch("/diagnostics")).json()) as { traps: number };
      assert.equal(diagnostics.traps, 0);
    }
  });
});
