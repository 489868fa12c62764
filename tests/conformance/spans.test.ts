import assert from "node:assert/strict";
import { env } from "node:process";
import { after, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "../workerd/harness/app.ts";
import { agentsViolations } from "./support/agents.ts";
import { documentedUnconfirmed, latestViolations, spanTypeOf } from "./support/latest.ts";
import { isMCP, mcpViolations } from "./support/mcp.ts";
import { isOurs, type Profile, profileOf, readSpans, type SeenSpan } from "./support/spans.ts";

const checks = { agents: agentsViolations, latest: latestViolations };

/** Every violation once, with how often it was seen and the first span that has it. */
function report(profile: Profile, spans: readonly SeenSpan[]): string[] {
  const seen = new Map<string, { count: number; span: SeenSpan }>();
  for (const span of spans) {
    for (const violation of checks[profile](span)) {
      const key = `${span.name.split(" ")[0]} ${violation}`;
      const known = seen.get(key) ?? { count: 0, span };
      seen.set(key, { ...known, count: known.count + 1 });
    }
  }
  return [...seen].map(([violation, { count, span }]) => {
    const shown = JSON.stringify(span.attributes).slice(0, 600);
    return `${count} times: ${violation}, e.g. "${span.name}" ${shown}`;
  });
}

/** The types of the spans that v0.1.0 is not known to have, sorted. */
function unconfirmedTypes(spans: readonly SeenSpan[]): string[] {
  const types = spans.flatMap(({ attributes }) => {
    const [name, type] = spanTypeOf(String(attributes["gen_ai.operation.name"])) ?? [];
    return type?.status === "unconfirmed" ? [String(name)] : [];
  });
  return [...new Set(types)].sort();
}

for (const profile of ["agents", "latest"] as const) {
  describe(`spans of profile ${profile} from workerd`, () => {
    let app: LocalWorker;
    before(async () => {
      const name = profile === "latest" ? "conformance_latest" : "conformance";
      app = await startApp("conformance", { config: { name, vars: { SEMCONV: profile } } });
    });
    after(() => app.close());

    const all: SeenSpan[] = [];
    async function spansFrom(path: string): Promise<SeenSpan[]> {
      const response = await app.fetch(path);
      assert.equal(response.status, 200, await response.text());
      const spans = (await app.takeSpans({ timeoutMs: 20_000 })).filter(isOurs);
      all.push(...spans);
      return spans;
    }

    for (const major of ["v6", "v7"]) {
      test(`every function of ${major} with every outcome`, async () => {
        const outcomes = (await (await app.fetch("/outcomes")).json()) as string[];
        await app.takeSpans();
        const spans: SeenSpan[] = [];
        for (const outcome of outcomes) {
          spans.push(...(await spansFrom(`/functions?major=${major}&outcome=${outcome}`)));
        }
        assert.ok(spans.length > 100, `only ${spans.length} spans`);
        assert.deepEqual(report(profile, spans), []);
        console.log(`profile ${profile}, ${major}: ${spans.length} spans of all functions conform`);
      });

      test(`messages, instructions, tools and approvals of ${major}`, async () => {
        const spans = await spansFrom(`/content?major=${major}`);
        const carried = new Set(spans.flatMap((span) => Object.keys(span.attributes)));
        const latestOnly = [
          "gen_ai.system_instructions",
          "gen_ai.tool.definitions",
          "gen_ai.request.stop_sequences",
          "gen_ai.tool.description",
          "server.address",
          "server.port",
        ];
        for (const key of [
          "gen_ai.input.messages",
          "gen_ai.output.messages",
          "gen_ai.tool.call.arguments",
          "gen_ai.tool.call.result",
          ...(profile === "latest" ? latestOnly : []),
          ...(profile === "latest" && major === "v7" ? ["gen_ai.request.reasoning.level"] : []),
        ]) {
          assert.ok(carried.has(key), `no span carries ${key}`);
        }
        const tools = spans.filter((span) => span.name.startsWith("execute_tool"));
        for (const [key, value] of [
          ["gen_ai.tool.type", "extension"],
          ["error.type", "AI_InvalidToolInputError"],
        ] as const) {
          assert.ok(
            tools.some(({ attributes }) => attributes[key] === value),
            `no tool has ${key} ${value}`,
          );
        }
        const approvals = spans.filter((span) => span.name === "tool_approval ask");
        const states = approvals.map(
          (span) => span.attributes["cloudflare.agents.tool.approval.state"],
        );
        assert.deepEqual(states, ["requested", "approved", "denied"]);
        assert.deepEqual(report(profile, spans), []);
        console.log(`profile ${profile}, ${major}: ${spans.length} spans with content conform`);
      });
    }

    if (profile === "latest") {
      test("the types that are emitted though unconfirmed are documented", () => {
        const unconfirmed = unconfirmedTypes(all);
        assert.deepEqual(unconfirmed, documentedUnconfirmed("span"));
        console.log(`emitted though unconfirmed: spans ${unconfirmed.join(", ")}`);
      });
    }
  });
}

describe("spans of other suites", () => {
  const isOfThisFile = (worker: string) => worker.startsWith("conformance");
  const folder = env["ISOTEL_SPANS_DIR"] ?? "";
  for (const profile of ["agents", "latest"] as const) {
    const skip = folder === "" && "ISOTEL_SPANS_DIR is not set";
    test(`all of profile ${profile} conform`, { skip }, () => {
      const taken = readSpans(folder).filter(
        (file) => profileOf(file) === profile && !file.workers.some(isOfThisFile),
      );
      const spans = taken.flatMap((file) => file.spans.filter(isOurs));
      assert.ok(spans.length > 0, `the other suites left no span of profile ${profile}`);
      assert.deepEqual(report(profile, spans), []);
      console.log(`profile ${profile}: ${spans.length} spans of ${taken.length} takes conform`);
    });
  }

  const skip = folder === "" && "ISOTEL_SPANS_DIR is not set";
  test("all of MCP conform", { skip }, () => {
    const spans = readSpans(folder).flatMap((file) => file.spans.filter(isMCP));
    assert.ok(spans.length > 0, "the other suites left no span of MCP");
    const violations = spans.map((span) => [span.name, ...mcpViolations(span)]);
    assert.deepEqual(
      violations.filter(({ length }) => length > 1),
      [],
    );
    console.log(`MCP: ${spans.length} spans conform`);
  });
});
