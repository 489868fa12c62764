import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import { assertAlike, startTraced, type Traced } from "./apps/ai_register/compare.ts";
import { alike } from "./apps/ai_register/scenarios.ts";
import {
  assertAttributes,
  assertTree,
  describeSpans,
  type Shape,
  spanOf,
  spansOf,
} from "./harness/assertions.ts";

const truncated = "cloudflare.agents.span.truncated";

describe("traceAISDKChannel in workerd", () => {
  let plain: Traced;
  let wrapped: Traced;
  let channel: Traced;
  let together: Traced[];
  before(async () => {
    const vias = ["plain", "wrapped", "channel", "wrapped+channel", "registered+channel"];
    const traced = await Promise.all(vias.map((via) => startTraced(via)));
    [plain, wrapped, channel, ...together] = traced as [Traced, Traced, Traced, ...Traced[]];
  });
  after(() => Promise.all([plain, wrapped, channel, ...together].map(({ app }) => app.close())));

  for (const scenario of alike) {
    test(`${scenario}: the answer of the plain SDK and the spans of wrapping`, () =>
      assertAlike(scenario, plain, wrapped, channel));
    test(`${scenario}: wrapped or registered besides, each call is traced once`, () =>
      assertAlike(scenario, plain, wrapped, ...together));
  }

  test("100 calls at once keep their own spans", async () => {
    const [, spans] = await channel.run("concurrent");
    const [root] = spans as [Span];
    const expected = Array.from({ length: 100 }, (_, index): Shape => {
      const chat: Shape = { "chat given-1": ["provider_work"] };
      const tool: Shape = { [`execute_tool tool ${index}`]: [`work_of_tool ${index}`] };
      return { [`caller ${index}`]: [{ [`invoke_agent agent ${index}`]: [chat, tool, chat] }] };
    });
    assertTree(
      spans.filter((span) => span !== root),
      expected,
    );
  });

  test("a stream that is left or never read ends with its scope", async () => {
    for (const scenario of ["left_in_scope", "unread_in_scope"]) {
      const [, spans] = await channel.run(scenario);
      assertAttributes(spanOf(spans, "invoke_agent"), { [truncated]: true });
    }
  });

  test("a call with integrations of its own is seen too", async () => {
    const [heard, spans] = await channel.run("integrations");
    assert.deepEqual(heard, ["registered", "of the call", "of the call"]);
    assert.equal(spansOf(spans, "invoke_agent").length, 3, describeSpans(spans));
  });

  test("embedMany is one span, with the usage of all its requests", async () => {
    const [, spans] = await channel.run("embed_many");
    assertAttributes(spanOf(spans, "embeddings"), { "gen_ai.usage.input_tokens": 3 });
  });

  test("what the caller does not let be recorded is not known", async () => {
    const [answer, spans] = await channel.run("generate_rejected_hidden");
    assert.equal(answer, "same");
    assertAttributes(spanOf(spans, "chat"), { "error.type": "Error" });
    const [, hidden] = await channel.run("generate_hidden");
    assertAttributes(spanOf(hidden, "invoke_agent"), { "gen_ai.usage.input_tokens": undefined });
  });

  test("generateObject is not seen", async () => {
    const [, spans] = await channel.run("object");
    assert.deepEqual(spansOf(spans, "invoke_agent"), []);
  });

  test("it can be stopped and started again", async () => {
    const [text, spans] = await channel.run("channel_stopped");
    assert.equal(text, "chunk0 chunk1 ");
    assert.deepEqual(
      spansOf(spans, "invoke_agent").map(({ attributes }) => attributes[truncated]),
      [true, undefined],
      describeSpans(spans),
    );
  });

  test("content is that of wrapping", async () => {
    const traced = await Promise.all(
      ["plain", "wrapped", "channel"].map((via) => startTraced(via, { STORE: "1" })),
    );
    try {
      for (const scenario of [
        "generate_tools",
        "stream_tools",
        "generate_same_ids",
        "stream_provider_tool",
      ]) {
        await assertAlike(scenario, ...(traced as [Traced, Traced, Traced]));
      }
    } finally {
      await Promise.all(traced.map(({ app }) => app.close()));
    }
  });

  test("nothing was swallowed, trapped or given up in any of this", async () => {
    const response = await channel.app.fetch("/diagnostics");
    const diagnostics = (await response.json()) as Record<string, number>;
    for (const count of ["traps", "swallowed_errors", "evicted_calls"]) {
      assert.equal(diagnostics[count], 0, JSON.stringify(diagnostics));
    }
  });
});
