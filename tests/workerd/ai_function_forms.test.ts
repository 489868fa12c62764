import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { expectations } from "./apps/ai_functions/expected.ts";
import { type Outcome, outcomes } from "./apps/ai_functions/outcomes.ts";
import { startApp } from "./harness/app.ts";
import { assertAllClosed } from "./harness/assertions.ts";

interface Listed {
  readonly name: string;
  readonly majors: readonly string[];
  readonly isStream: boolean;
  readonly takesGateway: boolean;
}

interface Seen {
  readonly number: number;
  readonly name: string;
  readonly outcome: Outcome;
  readonly reports: Readonly<Record<string, unknown>>;
}

/** Times differ from run to run. */
const timed = "gen_ai.response.time_to_first_chunk";

describe("single functions of the AI SDK, wrapped without the rest of its namespace", () => {
  let app: LocalWorker;
  let listed: readonly Listed[];
  before(async () => {
    app = await startApp("ai_functions");
    listed = (await (await app.fetch("/subjects")).json()) as Listed[];
    await app.takeSpans();
  });
  after(() => app.close());

  /** Everything below a span, as a tree of what does not differ from run to run. */
  function treeBelow(spans: readonly Span[], root: Span): unknown[] {
    return spans
      .filter(({ parentSpanId }) => parentSpanId === root.spanId)
      .map((span) => ({
        name: span.name,
        status: span.status,
        exceptions: span.exceptions,
        attributes: { ...span.attributes, [timed]: timed in span.attributes },
        children: treeBelow(spans, span),
      }));
  }

  for (const major of ["v6", "v7"]) {
    for (const isRegistered of [false, true]) {
      const beside = isRegistered ? ", beside a registered integration" : "";
      test(`each function of ${major} gives the spans and results of the wrapped namespace${beside}`, async (t) => {
        const items = listed.filter(({ majors }) => majors.includes(major));
        const cases = items.map((item) => [item.name, outcomesOf(item, isRegistered)]);
        const response = await app.fetch(
          `/forms?major=${major}${isRegistered ? "&registered" : ""}`,
          {
            method: "POST",
            body: JSON.stringify(Object.fromEntries(cases)),
          },
        );
        const body = await response.text();
        assert.equal(response.status, 200, body);
        const seen = JSON.parse(body) as Seen[];
        const spans = await app.takeSpans({ timeoutMs: 20_000 });
        assertAllClosed(spans);
        const roots = new Map(spans.map((span) => [span.name, span]));
        assert.equal(new Set(seen.map(({ name }) => name)).size, items.length);
        for (const { number, name, outcome, reports } of seen) {
          await t.test(`${name}: ${outcome}`, () => {
            const treeOf = (form: string) => {
              const root = roots.get(`${number} ${form}`);
              assert.ok(root, `no span of ${form}`);
              return treeBelow(spans, root);
            };
            const { namespace, ...others } = reports;
            const expected = treeOf("namespace");
            const isTraced = JSON.stringify(expected).includes('"gen_ai.operation.name"');
            assert.equal(isTraced, outcome !== "disabled");
            for (const [form, report] of Object.entries(others)) {
              assert.deepEqual(report, namespace, form);
              assert.deepEqual(treeOf(form), expected, form);
            }
          });
        }
      });
    }
  }

  test("a model id that needs the gateway is untraced without it, and the console says so once", async () => {
    const seen = await (await app.fetch("/gateway_missing")).json();
    const spans = await app.takeSpans();
    assert.deepEqual(seen, { embedded: 2, told: 1 });
    assert.equal(spans.filter(({ name }) => name.startsWith("embeddings")).length, 0);
  });
});

function outcomesOf(item: Listed, isRegistered: boolean): Outcome[] {
  const { retries, takesIds } = expectations[item.name] ?? {};
  const chosen = isRegistered ? (["success", "provider_error"] as const) : outcomes;
  const usual = chosen
    // How much of a stream that nobody reads has arrived depends on time.
    .filter((outcome) => outcome !== "unread")
    .filter((outcome) => item.isStream || !["break", "cancel"].includes(outcome))
    .filter((outcome) => outcome !== "retry" || retries === true)
    .filter((outcome) => outcome !== "string_id" || takesIds === true);
  return item.takesGateway ? [...usual, "gateway_id"] : usual;
}
