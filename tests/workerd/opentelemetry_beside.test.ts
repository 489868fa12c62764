// registerOpenTelemetry beside others who register with the OpenTelemetry API, in workerd.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { copyPackage, firstVersion, secondVersion } from "../harness/second_copy.ts";
import { root } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import { assertTree } from "./harness/assertions.ts";

const below = { outer: [{ api: ["inner"] }] };

for (const version of [firstVersion, secondVersion]) {
  describe(`beside the agents package, and a second copy of isotel ${version}`, () => {
    test("the first registration stays, and spans are one tree", async (t) => {
      const copy = copyPackage(version);
      t.after(() => copy.remove());
      const app = await startApp("otel_bridge", {
        config: {
          main: "tests/workerd/agents/otel_bridge.ts",
          alias: {
            "isotel-second/opentelemetry": copy.entry("opentelemetry"),
            "@opentelemetry/api": `${root}/node_modules/@opentelemetry/api/dist/index.mjs`,
          },
        },
      });
      t.after(() => app.close());
      const ask = async (path: string) => (await (await app.fetch(path)).json()) as unknown[];

      assert.deepEqual(await ask("/isotel_first"), [true, true]);
      assertTree(await app.takeSpans(), [{ "GET /isotel_first": [below] }]);

      const [traces, contexts, lines] = await ask("/agents_first");
      assert.deepEqual([traces, contexts], [false, false]);
      assert.equal((lines as string[]).length, 1);
      assert.match(String(lines), /already has a tracer provider, which stays/);
      assertTree(await app.takeSpans(), [{ "GET /agents_first": [below, below] }]);

      // Another version finds the provider of the first one.
      const isSame = version === firstVersion;
      assert.deepEqual(await ask("/two_copies"), [true, isSame, isSame]);
      assertTree(await app.takeSpans(), [{ "GET /two_copies": [below] }]);
    });
  });
}
