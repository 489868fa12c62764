import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { type Expected, expectations } from "./apps/ai_functions/expected.ts";
import { type Outcome, outcomes } from "./apps/ai_functions/outcomes.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  describeSpans,
  spanNamed,
} from "./harness/assertions.ts";

const canceled = "cloudflare.agents.canceled";
const streamOnly: readonly Outcome[] = ["break", "cancel", "unread"];
const isTold: readonly Outcome[] = ["success", "retry", "string_id"];

interface Listed {
  readonly name: string;
  readonly majors: readonly string[];
  readonly isStream: boolean;
}

interface Case extends Listed {
  readonly major: string;
  readonly outcome: Outcome;
  readonly expected: Expected;
}

describe("every function of the AI SDK in workerd", () => {
  let app: LocalWorker;
  let listed: readonly Listed[];
  before(async () => {
    app = await startApp("ai_functions");
    listed = (await (await app.fetch("/subjects")).json()) as Listed[];
    await app.takeSpans();
  });
  after(() => app.close());

  async function get(path: string): Promise<[unknown, Span[]]> {
    const response = await app.fetch(path);
    const body = await response.text();
    assert.equal(response.status, 200, body);
    const spans = await app.takeSpans();
    assertAllClosed(spans);
    assert.doesNotMatch(JSON.stringify(spans.map((span) => span.attributes)), /secret/);
    return [JSON.parse(body), spans];
  }

  test("matrix of functions, majors and outcomes", async (t) => {
    const cases = listed.flatMap(casesOf);
    const counts = new Map<string, { passed: number; spans: number }>();
    for (const item of cases) {
      const { name, major, outcome } = item;
      await t.test(`${name} of ${major}: ${outcome}`, async () => {
        const query = new URLSearchParams({ function: name, major, outcome });
        const [body, spans] = await get(`/compare?${query}`);
        const { expected, actual } = body as { expected: object; actual: object };
        assert.deepEqual(actual, expected, "the wrapped function differs from the original");
        assertSpans(item, spans);
        const key = `${major} ${name}`;
        const count = counts.get(key) ?? { passed: 0, spans: 0 };
        counts.set(key, {
          passed: count.passed + 1,
          spans: count.spans + under(spans, spanNamed(spans, "wrapped")).length,
        });
      });
    }
    console.log(matrixOf(cases, counts));
  });

  test("nothing was swallowed and the core has not trapped in any of this", async () => {
    const [diagnostics] = await get("/diagnostics");
    assertDiagnostics(diagnostics as Record<string, number>);
  });
});

describe("every function of the AI SDK in a Worker nobody observes", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("ai_functions", { tail: "none" });
  });
  after(() => app.close());

  test("gets the original parameters, of which only what names the agent was read", async () => {
    const response = await app.fetch("/untraced");
    const observed = (await response.json()) as {
      name: string;
      gotOriginal: boolean;
      returnedOriginal: boolean;
      touched: string[];
    }[];
    assert.ok(observed.length > 30, `only ${observed.length} functions`);
    for (const { name, gotOriginal, returnedOriginal, touched } of observed) {
      assert.ok(gotOriginal && returnedOriginal, name);
      const named = ["telemetry", "experimental_telemetry", "runtimeContext"];
      const bounded = "Symbol(cloudflare.agents.ai-sdk.invocation-bounded)";
      const allowed = new Set([...named, "experimental_context", "id", bounded]);
      const foreign = touched.filter((key) => !allowed.has(key));
      assert.deepEqual(foreign, [], `${name} read ${touched.join(", ")}`);
    }
  });
});

function casesOf(item: Listed): Case[] {
  const expected = expectations[item.name];
  assert.ok(expected, `nothing is expected of ${item.name}`);
  return item.majors.flatMap((major) =>
    outcomes
      .filter((outcome) => item.isStream || !streamOnly.includes(outcome))
      .filter((outcome) => outcome !== "retry" || expected.retries)
      .filter((outcome) => outcome !== "string_id" || expected.takesIds)
      .map((outcome) => ({ ...item, major, outcome, expected })),
  );
}

function assertSpans(item: Case, spans: readonly Span[]): void {
  const { outcome, expected, major } = item;
  const ours = under(spans, spanNamed(spans, "wrapped"));
  const message = `The spans are\n${describeSpans(spans)}`;
  const requests = ours.filter((span) => span.name === `${expected.request} ${expected.model}`);
  const operations = ours.filter((span) => span.name === "invoke_agent tester");
  const work = ours.filter((span) => span.name === "provider_work");
  assert.equal(ours.length, requests.length + operations.length + work.length, message);
  assert.deepEqual(under(spans, spanNamed(spans, "plain")).filter(isOurs), [], message);
  if (outcome === "disabled") {
    assert.deepEqual(ours.filter(isOurs), [], message);
    return;
  }
  const [operation] = operations;
  assert.equal(operations.length, expected.operation === undefined ? 0 : 1, message);
  const parent = operation ?? spanNamed(spans, "wrapped");
  if (outcome !== "unread") {
    assert.equal(requests.length, expected.requests + (outcome === "retry" ? 1 : 0), message);
  }
  assert.equal(work.length, requests.length, message);
  for (const request of requests) {
    assert.equal(request.parentSpanId, parent.spanId, message);
    const done = work.filter((span) => span.parentSpanId === request.spanId);
    assert.equal(done.length, 1, message);
  }
  if (operation !== undefined) assertOperation(item, operation);
  const owner = operation ?? requests[0];
  if (owner !== undefined) {
    const prefix = major === "v6" ? "metadata" : "runtime_context";
    assertAttributes(owner, {
      "user.id": "user-1",
      [`cloudflare.agents.${prefix}.plan`]: "pro",
    });
  }
  const isFailed = (span: Span) => outcome === "retry" && span.status === "error";
  assert.equal(requests.filter(isFailed).length, outcome === "retry" ? 1 : 0, message);
  for (const request of requests) {
    if (isFailed(request)) {
      assertAttributes(request, { "error.type": "AI_APICallError" });
    } else {
      assertRequest(item, request);
    }
  }
}

function assertOperation({ outcome, expected, isStream, name }: Case, span: Span): void {
  assertAttributes(span, {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "tester",
    "gen_ai.agent.id": name.startsWith("ToolLoopAgent") ? "tester-id" : undefined,
    "gen_ai.conversation.id": "chat-1",
    "gen_ai.output.type": expected.outputType,
    "gen_ai.request.model": expected.model,
    "gen_ai.request.stream": isStream ? true : undefined,
    "cloudflare.agents.operation.name": expected.operation,
  });
  assertEnd(outcome, span);
  if (isTold.includes(outcome)) assertUsage(expected, span);
}

function assertRequest({ outcome, expected }: Case, span: Span): void {
  const isStream = expected.method === "doStream";
  assertAttributes(span, {
    "gen_ai.operation.name": expected.request,
    "gen_ai.agent.name": "tester",
    "gen_ai.conversation.id": "chat-1",
    "gen_ai.provider.name": "scripted",
    "gen_ai.request.model": expected.model,
    "gen_ai.output.type": expected.outputType,
    "gen_ai.request.stream": isStream ? true : undefined,
    "cloudflare.agents.operation.name": expected.method,
    "cloudflare.agents.integration.name": "ai-sdk",
  });
  assertEnd(outcome, span);
  if (!isTold.includes(outcome)) return;
  assertUsage(expected, span);
  assertAttributes(span, {
    "gen_ai.response.model": `${expected.model}-2026`,
    "cloudflare.ai_gateway.log.id": "log-1",
    "gen_ai.response.time_to_first_chunk": isStream ? /^0(\.\d+)?$/ : undefined,
  });
}

function assertEnd(outcome: Outcome, span: Span): void {
  switch (outcome) {
    case "provider_error":
      assert.equal(span.status, "error", span.name);
      assertAttributes(span, { "error.type": "TypeError", [canceled]: undefined });
      return;
    case "abort":
    case "break":
    case "cancel":
      assert.equal(span.status, "unset", span.name);
      assertAttributes(span, { "error.type": undefined, [canceled]: true });
      return;
    case "unread":
      assert.equal(span.status, "unset", span.name);
      return;
    default:
      assert.equal(span.status, "unset", span.name);
      assertAttributes(span, { "error.type": undefined, [canceled]: undefined });
  }
}

function assertUsage({ usage }: Expected, span: Span): void {
  const [input, output, total] = usage;
  assertAttributes(span, {
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.output_tokens": output,
    "cloudflare.agents.usage.total_tokens": total,
  });
}

function assertDiagnostics(diagnostics: Record<string, number>): void {
  assert.equal(diagnostics["traps"], 0, JSON.stringify(diagnostics));
  assert.equal(diagnostics["swallowed_errors"], 0, JSON.stringify(diagnostics));
  assert.equal(diagnostics["double_ends"], 0, JSON.stringify(diagnostics));
}

function isOurs(span: Span): boolean {
  return span.attributes["cloudflare.agents.integration.name"] === "ai-sdk";
}

/** Everything beneath a span, at any depth. */
function under(spans: readonly Span[], root: Span): Span[] {
  const children = spans.filter((span) => span.parentSpanId === root.spanId);
  return children.flatMap((child) => [child, ...under(spans, child)]);
}

function matrixOf(
  cases: readonly Case[],
  counts: ReadonlyMap<string, { readonly passed: number; readonly spans: number }>,
): string {
  const total = { cases: 0, passed: 0, spans: 0 };
  const keys = [...new Set(cases.map(({ major, name }) => `${major} ${name}`))];
  const lines = keys.map((key) => {
    const group = cases.filter(({ major, name }) => `${major} ${name}` === key);
    const { passed, spans } = counts.get(key) ?? { passed: 0, spans: 0 };
    total.cases += group.length;
    total.passed += passed;
    total.spans += spans;
    const names = group.map(({ outcome }) => outcome).join(" ");
    return `${key.padEnd(42)} ${passed}/${group.length} ${String(spans).padStart(4)} spans  ${names}`;
  });
  const sum = `${total.passed} of ${total.cases} cases passed, ${total.spans} spans received`;
  return ["", ...lines, sum].join("\n");
}
