import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { differencesBelow } from "./agents/parity/differences.ts";
import { startApp } from "./harness/app.ts";
import { spanNamed } from "./harness/assertions.ts";

describe("parity", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("agents_parity", {
      config: { main: "tests/workerd/agents/parity/index.ts" },
    });
  });
  after(() => app.close());
  test("explore", async () => {
    const seen = new Map<string, string[]>();
    for (const major of ["v6", "v7"])
      for (const content of ["", "&content"]) {
        const r = await app.fetch(`/run?major=${major}${content}`);
        const t = await r.text();
        assert.equal(r.status, 200, t);
        const endings = JSON.parse(t) as string[][];
        for (const [n, a, b] of endings)
          if (a !== "fulfilled" || a !== b) console.log(major, n, a, "|", b);
        const spans = await app.takeSpans({ timeoutMs: 20000 });
        for (const [name = ""] of endings) {
          for (const d of differencesBelow(
            spans,
            spanNamed(spans, `agents: ${name}`),
            spanNamed(spans, `isotel: ${name}`),
          )) {
            const key = `${d.span} | ${d.what} | ${d.kind}`;
            seen.set(key, [
              ...(seen.get(key) ?? []),
              `${name} ${major}${content}: ${d.shown.slice(0, 1500)}`,
            ]);
          }
        }
      }
    for (const [k, v] of [...seen].sort())
      console.log(`${k}  x${v.length}\n     ${v.slice(0, 12).join("\n     ")}`);
  });
});
