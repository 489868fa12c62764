import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import { assertAlike, startTraced, type Traced } from "./apps/ai_register/compare.ts";
import { alike, alikeWhenWrapped, alikeWithHooks } from "./apps/ai_register/scenarios.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAttributes,
  assertTree,
  describeSpans,
  type Shape,
  spanOf,
  spansOf,
} from "./harness/assertions.ts";

const truncated = "cloudflare.agents.span.truncated";
const bare = ["generate_bare", "stream_bare"];

async function withTraced<T>(
  vias: readonly string[],
  vars: Readonly<Record<string, string>>,
  body: (...traced: Traced[]) => Promise<T>,
): Promise<T> {
  const traced = await Promise.all(vias.map((via) => startTraced(via, vars)));
  try {
    return await body(...traced);
  } finally {
    await Promise.all(traced.map(({ app }) => app.close()));
  }
}

async function diagnosticsOf({ app }: Traced): Promise<Record<string, number>> {
  return (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
}

describe("createAISDKTelemetry in workerd", () => {
  let plain: Traced;
  let wrapped: Traced;
  let registered: Traced;
  before(async () => {
    [plain, wrapped, registered] = await Promise.all([
      startTraced("plain"),
      startTraced("wrapped"),
      startTraced("registered"),
    ]);
  });
  after(() => Promise.all([plain, wrapped, registered].map(({ app }) => app.close())));

  for (const scenario of [...alike, ...alikeWithHooks]) {
    test(`${scenario}: the answer of the plain SDK and the spans of wrapping`, () =>
      assertAlike(scenario, plain, wrapped, registered));
  }

  test("the caller's own context is what it is without telemetry, wherever the SDK runs code", async () => {
    for (const [scenario, request] of [
      ["generate_stores", "doGenerate"],
      ["stream_stores", "doStream"],
    ] as const) {
      const [seen] = await registered.run(scenario);
      assert.deepEqual(seen, {
        onStart: "the caller's",
        prepareStep: "the caller's",
        [request]: "set around a model call",
        tool: "set around a tool",
        "tool later": "set around a tool",
        onStepEnd: "the caller's",
        afterwards: "the caller's",
      });
    }
  });

  test("what is known of the caller is what the call includes", async () => {
    const [, spans] = await registered.run("generate_tools");
    assertAttributes(spanOf(spans, "invoke_agent"), {
      "gen_ai.agent.name": "named",
      "gen_ai.agent.id": "agent-1",
      "cloudflare.agents.runtime_context.tenant": "t-1",
      "gen_ai.request.temperature": 0.5,
      "gen_ai.usage.input_tokens": 14,
    });
    assert.doesNotMatch(JSON.stringify(spans.map(({ attributes }) => attributes)), /secret/);
  });

  test("an error the caller does not let be recorded has its type", async () => {
    for (const traced of [wrapped, registered]) {
      const [answer, spans] = await traced.run("generate_rejected_hidden");
      assert.equal(answer, "same");
      assertAttributes(spanOf(spans, "invoke_agent"), { "error.type": "TypeError" });
    }
  });

  test("an agent class is known by the function it calls", async () => {
    const [, spans] = await registered.run("agent");
    assertTree(spans, [
      {
        "GET /agent": [
          {
            invoke_agent: [
              { "chat given-1": ["provider_work"] },
              { "execute_tool first": ["work_of_first"] },
              { "chat given-1": ["provider_work"] },
            ],
          },
        ],
      },
    ]);
    assertAttributes(spanOf(spans, "invoke_agent"), {
      "cloudflare.agents.operation.name": "generateText",
    });
  });

  test("embedMany has a span for each request, with its usage", async () => {
    const [usage, spans] = await registered.run("embed_many");
    assert.deepEqual(usage, { tokens: 3 });
    const requests = spansOf(spans, "embeddings");
    assert.deepEqual(
      requests.map(({ attributes }) => attributes["gen_ai.usage.input_tokens"]),
      [2, 1],
    );
  });

  test("a retried embedding is a span that failed for a reason nobody told, and one that did not", async () => {
    const [, spans] = await registered.run("embed_retried");
    assert.deepEqual(
      spansOf(spans, "embeddings").map(({ status, attributes }) => [
        status,
        attributes["error.type"],
      ]),
      [
        ["error", "_OTHER"],
        ["unset", undefined],
      ],
    );
  });

  test("streamObject is an operation with its model call", async () => {
    const [, spans] = await registered.run("object_streamed");
    assertTree(spans, [{ "GET /object_streamed": [{ invoke_agent: ["chat given-1"] }] }]);
    assertAttributes(spanOf(spans, "invoke_agent"), {
      "gen_ai.output.type": "json",
      "gen_ai.usage.input_tokens": 7,
    });
    assertAttributes(spanOf(spans, "chat"), { "gen_ai.response.id": "answer-1" });
  });

  test("a policy's refusal is recorded when the call ends", async () => {
    const [, spans] = await registered.run("approval_denied");
    assertTree(spans, [
      {
        "GET /approval_denied": [
          {
            invoke_agent: [
              { "chat given-1": ["provider_work"] },
              { "chat given-1": ["provider_work"] },
              { "execute_tool first": ["tool_approval first"] },
            ],
          },
        ],
      },
    ]);
  });

  test("100 calls at once keep their own spans", async () => {
    const [, spans] = await registered.run("concurrent");
    const [root] = spans as [Span];
    const own = spans.filter((span) => span !== root);
    const expected = Array.from({ length: 100 }, (_, index): Shape => {
      const chat: Shape = { "chat given-1": ["provider_work"] };
      const tool: Shape = { [`execute_tool tool ${index}`]: [`work_of_tool ${index}`] };
      return { [`caller ${index}`]: [{ [`invoke_agent agent ${index}`]: [chat, tool, chat] }] };
    });
    assertTree(own, expected);
    for (const span of [...spansOf(spans, "invoke_agent")]) {
      assertAttributes(span, { "gen_ai.usage.input_tokens": 14 });
    }
  });

  test("a stream nobody reads ends with its scope", async () => {
    const [, spans] = await registered.run("unread_in_scope");
    assertAttributes(spanOf(spans, "invoke_agent"), { [truncated]: true });
    assertAttributes(spanOf(spans, "chat"), { [truncated]: true });
  });

  test("a stream that is left ends with its scope and keeps the usage seen", async () => {
    const [, spans] = await registered.run("left_in_scope");
    assertAttributes(spanOf(spans, "invoke_agent"), {
      [truncated]: true,
      "gen_ai.usage.input_tokens": 7,
    });
    const [first, second] = spansOf(spans, "chat") as [Span, Span];
    assertAttributes(first, { [truncated]: undefined, "gen_ai.usage.input_tokens": 7 });
    assertAttributes(second, {
      [truncated]: true,
      "gen_ai.response.time_to_first_chunk": /^0\.\d+$/,
    });
  });

  test("a scope that answers with a stream does not end it", async () => {
    const [text, spans] = await registered.run("stream_response");
    assert.match(String(text), /chunk19/);
    assertAttributes(spanOf(spans, "invoke_agent"), {
      [truncated]: undefined,
      "gen_ai.usage.input_tokens": 7,
    });
  });

  test("integrations of the user's are told what they are told without telemetry", async () => {
    const [expected] = await plain.run("integrations");
    assert.deepEqual(expected, ["registered", "of the call", "of the call"]);
    for (const [traced, operations] of [
      // Integrations of a call replace the registered ones.
      [registered, 1],
      [wrapped, 3],
    ] as const) {
      const [heard, spans] = await traced.run("integrations");
      assert.deepEqual(heard, expected);
      assert.equal(spansOf(spans, "invoke_agent").length, operations, describeSpans(spans));
    }
  });

  test("an adapter of one call traces it once, registered or wrapped besides or not", async () => {
    for (const traced of [plain, wrapped, registered]) {
      const [, spans] = await traced.run("adapter_of_call");
      assert.equal(spansOf(spans, "invoke_agent").length, 1, describeSpans(spans));
      assert.equal(spansOf(spans, "chat").length, 1, describeSpans(spans));
    }
  });

  test("calls of ai 6, which shares the list of integrations, are left alone", async () => {
    const [text, spans] = await registered.run("v6_shares_integrations");
    assert.equal(text, "chunk0 chunk1 ");
    assert.deepEqual(spansOf(spans, "invoke_agent"), []);
  });

  test("nothing was swallowed, trapped or given up in any of this", async () => {
    const diagnostics = await diagnosticsOf(registered);
    await registered.app.takeSpans();
    for (const count of ["traps", "swallowed_errors", "evicted_calls", "double_ends"]) {
      assert.equal(diagnostics[count], 0, JSON.stringify(diagnostics));
    }
  });

  test("of too many streams nobody reads, the oldest are given up and counted", async () => {
    const [text, spans] = await registered.run("abandoned");
    assert.equal(text, "chunk0 chunk1 ");
    const operations = spansOf(spans, "invoke_agent");
    const givenUp = operations.filter(({ attributes }) => attributes[truncated] === true);
    assert.equal(operations.length, 1101);
    assert.equal(givenUp.length, 101);
    assert.equal((await diagnosticsOf(registered))["evicted_calls"], 101);
    await registered.app.takeSpans();
    // What is given up from now on is another request's, whose spans must not be touched.
    await assertAlike("generate_nested", plain, wrapped, registered);
    assert.equal((await diagnosticsOf(registered))["evicted_calls"], 102);
  });
});

describe("createAISDKTelemetry with content recorded", () => {
  test("messages, arguments and results are those of wrapping", () =>
    withTraced(["plain", "wrapped", "registered"], { STORE: "1" }, async (...traced) => {
      const [plain, wrapped, registered] = traced as [Traced, Traced, Traced];
      for (const scenario of [
        "generate_tools",
        "stream_tools",
        "generate_failing_tool",
        "generate_generator_tool",
        "generate_invalid_input",
        "stream_invalid_input",
        "generate_provider_tool",
        "stream_provider_tool",
        "generate_same_ids",
        "generate_hidden",
        "stream_hidden",
        "generate_nested",
      ]) {
        await assertAlike(scenario, plain, wrapped, registered);
      }
      const [, spans] = await registered.run("generate_same_ids");
      const results = spansOf(spans, "execute_tool").map(
        ({ attributes }) => attributes["gen_ai.tool.call.result"],
      );
      assert.deepEqual(results, ['"first"', '"second"'], describeSpans(spans));
    }));
});

describe("createAISDKTelemetry together with other tracing", () => {
  let traced: Traced[];
  before(async () => {
    const vias = ["plain", "wrapped", "wrapped+registered", "wrapped+registered+channel"];
    traced = await Promise.all(vias.map((via) => startTraced(via)));
  });
  after(() => Promise.all(traced.map(({ app }) => app.close())));

  for (const scenario of [...alike, ...alikeWithHooks, ...alikeWhenWrapped]) {
    test(`${scenario}: registered, listening to the channel or not, a wrapped call has the same spans`, () =>
      assertAlike(scenario, ...(traced as [Traced, Traced, Traced, Traced])));
  }
});

describe("createAISDKTelemetry where the runtime is lacking", () => {
  test("calls are the caller's own where the runtime cannot activate or start a span", async () => {
    const hidden = JSON.stringify({ tracing: ["startSpan", "withActiveSpan"], span: [] });
    await withTraced(["plain", "registered"], { HIDE: hidden }, async (...traced) => {
      const [plain, registered] = traced as [Traced, Traced];
      for (const scenario of ["generate_tools", "stream_tools", "stream_aborted", "embed"]) {
        const [expected] = await plain.run(scenario);
        const [answer, spans] = await registered.run(scenario);
        assert.deepEqual(answer, expected);
        const operation = scenario === "embed" ? "embeddings" : "invoke_agent";
        assert.equal(spansOf(spans, operation).length, 1, describeSpans(spans));
      }
      const [, spans] = await registered.run("generate_tools");
      assert.equal(spansOf(spans, "chat").length, 2);
      assertAttributes(spanOf(spans, "invoke_agent"), { "gen_ai.usage.input_tokens": 14 });
    });
  });

  test("calls are the caller's own where tracing throws", async () => {
    await withTraced(["plain", "registered", "channel"], {}, async (...traced) => {
      const [plain, ...others] = traced as [Traced, ...Traced[]];
      for (const method of ["startActiveSpan", "withActiveSpan", "startSpan", "getActiveSpan"]) {
        for (const other of others) await other.run(`break?method=${method}`);
        for (const scenario of [...bare, "embed", "object", "stream_failed"]) {
          const [expected] = await plain.run(scenario);
          for (const other of others) {
            const [answer] = await other.run(scenario);
            assert.deepEqual(answer, expected, `${scenario} via ${other.via}, ${method} broken`);
          }
        }
      }
      for (const other of others) {
        const { swallowed_errors: swallowed } = await diagnosticsOf(other);
        assert.ok(swallowed !== undefined && swallowed > 0, `${other.via}: ${swallowed}`);
      }
    });
  });

  test("nothing is opened for a call that nobody records", async () => {
    const config = { vars: { VIA: "registered+channel" } };
    const app = await startApp("ai_register", { tail: "none", config });
    try {
      for (const scenario of [...bare, "embed", "object", "generate_nested"]) {
        const response = await app.fetch(`/${scenario}`);
        assert.equal(response.status, 200, await response.text());
      }
      const diagnostics = (await (await app.fetch("/diagnostics")).json()) as object;
      assert.partialDeepStrictEqual(diagnostics, { spans_opened: 0, swallowed_errors: 0 });
    } finally {
      await app.close();
    }
  });
});
