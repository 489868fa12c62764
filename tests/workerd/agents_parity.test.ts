import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import { type LocalWorker, root } from "../harness/start.ts";
import {
  type Difference,
  differencesBelow,
  type ListedDifference,
  listedDifferences,
  rowOf,
} from "./agents/parity/differences.ts";
import { startApp } from "./harness/app.ts";
import { spanNamed } from "./harness/assertions.ts";

describe("the spans of isotel, beside those of the agents package", () => {
  const seen: { readonly name: string; readonly difference: Difference }[] = [];
  let app: LocalWorker;
  before(async () => {
    const config = { main: "tests/workerd/agents/parity/index.ts" };
    app = await startApp("agents_parity", { config });
  });
  after(() => app.close());

  for (const major of ["v6", "v7"]) {
    for (const content of ["", "&content"]) {
      const stored = content === "" ? "" : ", with content";
      test(`calls of ai ${major} end alike, and only listed differences are seen${stored}`, async () => {
        const response = await app.fetch(`/run?major=${major}${content}`);
        const body = await response.text();
        assert.equal(response.status, 200, body);
        const endings = JSON.parse(body) as [string, string, string][];
        const spans = await app.takeSpans({ timeoutMs: 20_000 });
        const unlisted: string[] = [];
        for (const [name, ofAgents, ofIsotel] of endings) {
          assert.equal(ofIsotel, ofAgents, name);
          const [agents, isotel] = ["agents", "isotel"].map((side) =>
            spanNamed(spans, `${side}: ${name}`),
          ) as [Span, Span];
          for (const difference of differencesBelow(spans, agents, isotel)) {
            seen.push({ name, difference });
            if (listedDifferences.some((listed) => matches(listed, name, difference))) continue;
            const { span, what, kind, shown } = difference;
            unlisted.push(`${name}: ${span} ${what}, ${kind}: ${shown}`);
          }
        }
        assert.deepEqual(unlisted, []);
      });
    }
  }

  test("every listed difference is seen, on each of its spans and in each of its scenarios", () => {
    const unseen = listedDifferences.flatMap((listed) => {
      const matching = seen.filter(({ name, difference }) => matches(listed, name, difference));
      const spans = new Set(matching.map(({ difference }) => difference.span));
      const names = new Set(matching.map(({ name }) => name));
      return [
        ...listed.spans.filter((span) => !spans.has(span)),
        ...(listed.scenarios ?? []).filter((name) => !names.has(name)),
      ].map((missing) => `${rowOf(listed)} not on: ${missing}`);
    });
    assert.deepEqual(unseen, []);
  });

  test("the documentation lists the same differences", () => {
    const text = readFileSync(join(root, "docs/ai-sdk.md"), "utf8");
    const [, section = ""] = text.split("## Differences from Cloudflare's agents package");
    const [own = ""] = section.split("\n## ");
    const table = own.split("\n").filter((line) => line.startsWith("|"));
    assert.deepEqual(table.slice(2), listedDifferences.map(rowOf));
  });
});

function matches(listed: ListedDifference, name: string, { span, what, kind }: Difference) {
  return (
    listed.spans.includes(span) &&
    listed.what === what &&
    listed.kind === kind &&
    (listed.scenarios?.includes(name) ?? true)
  );
}
