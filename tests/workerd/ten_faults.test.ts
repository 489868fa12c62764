import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  assertTree,
  describeSpans,
  type Shape,
  spanOf,
  spansOf,
} from "./harness/assertions.ts";

const canceled = "cloudflare.agents.canceled";
const truncated = "cloudflare.agents.span.truncated";
const toolCount = "cloudflare.agents.tool.count";
const chat: Shape = { "chat chat-1": ["provider_work"] };
const tool: Shape = "execute_tool look_up";
const majors = ["v6", "v7"] as const;

// What tracing of the AI SDK is known to get wrong, each fault shown to be absent here.
describe("ten faults of tracing the AI SDK, repaired", () => {
  let app: LocalWorker;
  /** The Worker for what only profile latest has. */
  let latest: LocalWorker;
  before(async () => {
    app = await startApp("ten_faults");
    latest = await startApp("ten_faults", { config: { name: "ten_faults_latest" } });
  });
  after(async () => {
    await app.close();
    await latest.close();
  });

  async function run(path: string, worker: LocalWorker = app): Promise<Span[]> {
    const response = await worker.fetch(path);
    const body = await response.text();
    assert.equal(response.status, 200, body);
    const spans = await worker.takeSpans();
    assertAllClosed(spans);
    return spans;
  }

  function both(body: (major: string) => Promise<void>): () => Promise<void> {
    return async () => {
      for (const major of majors) await body(major);
    };
  }

  test(
    "1. invoke_agent ends on break, reader.cancel() and a stream that is never read",
    both(async (major) => {
      for (const [outcome, mark] of [
        ["break", canceled],
        ["cancel", canceled],
        ["unread", truncated],
      ] as const) {
        const spans = await run(`/call?function=streamText&major=${major}&outcome=${outcome}`);
        const operation = spanOf(spans, "invoke_agent");
        assert.equal(operation.status, "unset", describeSpans(spans));
        assertAttributes(operation, { [mark]: true, "error.type": undefined });
      }
    }),
  );

  test(
    "2. agent classes, embeddings, rankings, images, speech and transcription have spans",
    both(async (major) => {
      const speech = major === "v6" ? "experimental_generateSpeech" : "generateSpeech";
      const transcribe = major === "v6" ? "experimental_transcribe" : "transcribe";
      for (const [name, operation, requests] of [
        ["ToolLoopAgent.generate", "chat", 1],
        ["ToolLoopAgent.stream", "chat", 1],
        ["embed", "embeddings", 1],
        ["embedMany", "embeddings", 2],
        ["rerank", "rerank", 1],
        ["generateImage", "generate_content", 1],
        [speech, "generate_content", 1],
        [transcribe, "generate_content", 1],
      ] as const) {
        const spans = await run(`/call?function=${name}&major=${major}&outcome=success`);
        assert.equal(spansOf(spans, operation).length, requests, describeSpans(spans));
        const agents = name.startsWith("ToolLoopAgent") ? 1 : 0;
        assert.equal(spansOf(spans, "invoke_agent").length, agents, describeSpans(spans));
      }
    }),
  );

  test(
    "3. a model that prepareStep swaps in has its chat span",
    both(async (major) => {
      const spans = await run(`/swapped_model?major=${major}`);
      assertTree(spans, [
        {
          "GET /swapped_model": [{ "invoke_agent tester": [{ "chat chat-2": ["provider_work"] }] }],
        },
      ]);
    }),
  );

  test(
    "3. a tool that the provider runs has its span below the call that ran it",
    both(async (major) => {
      for (const way of ["generateText", "streamText"]) {
        const spans = await run(`/provider_executed?major=${major}&function=${way}`);
        assertTree(spans, [
          {
            "GET /provider_executed": [
              { "invoke_agent tester": [{ "chat chat-1": ["provider_work", tool] }] },
            ],
          },
        ]);
        const span = spanOf(spans, "execute_tool");
        assert.equal(span.status, "unset", describeSpans(spans));
        assertAttributes(span, {
          "gen_ai.tool.type": "extension",
          "gen_ai.tool.call.id": "call_look_up",
        });
      }
    }),
  );

  for (const [scenario, error] of [
    ["invalid_input", "AI_InvalidToolInputError"],
    ["unknown_tool", "AI_NoSuchToolError"],
  ] as const) {
    test(
      `3. a tool call that fails as ${error} has its span`,
      both(async (major) => {
        for (const way of ["generateText", "streamText"]) {
          const spans = await run(`/${scenario}?major=${major}&function=${way}`);
          assertTree(spans, [
            { [`GET /${scenario}`]: [{ "invoke_agent tester": [chat, tool, chat] }] },
          ]);
          const span = spanOf(spans, "execute_tool");
          assert.equal(span.status, "error", describeSpans(spans));
          assertAttributes(span, { "gen_ai.tool.type": "function", "error.type": error });
        }
      }),
    );
  }

  test(
    "4. isEnabled, recordInputs and recordOutputs are honoured",
    both(async (major) => {
      const disabled = await run(`/disabled?major=${major}`);
      assertTree(disabled, [{ "GET /disabled": ["provider_work"] }]);
      const spans = await run(`/unrecorded?major=${major}`);
      assertTree(spans, [
        {
          "GET /unrecorded": [{ "invoke_agent tester": [chat, "execute_tool look_up", chat] }],
        },
      ]);
      for (const span of spans) {
        assertAttributes(span, {
          "gen_ai.input.messages": undefined,
          "gen_ai.output.messages": undefined,
          "gen_ai.tool.call.arguments": undefined,
          "gen_ai.tool.call.result": undefined,
        });
      }
    }),
  );

  test(
    "5. tool.count is there on chat and operation, output.type is json with Output.object",
    both(async (major) => {
      const spans = await run(`/tool_count?major=${major}`);
      assertAttributes(spanOf(spans, "invoke_agent"), { [toolCount]: 2 });
      const counts = spansOf(spans, "chat").map((span) => span.attributes[toolCount]);
      assert.deepEqual(counts, [1, 1, undefined], describeSpans(spans));
      const structured = await run(`/output_object?major=${major}`);
      for (const operation of ["invoke_agent", "chat"]) {
        assertAttributes(spanOf(structured, operation), { "gen_ai.output.type": "json" });
      }
    }),
  );

  test(
    "6. of 2,000 messages of 1 KB the first and the last are recorded, and long metadata leaves usage its room",
    both(async (major) => {
      const spans = await run(`/long_content?major=${major}`);
      const usage = { "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3 };
      assertAttributes(spanOf(spans, "chat"), usage);
      const messages = String(spanOf(spans, "chat").attributes["gen_ai.input.messages"]);
      assert.ok(messages.includes("message 0 ") && messages.includes("How warm is it?"));
      assert.ok(Buffer.byteLength(messages) <= 28 * 1024);
      const operation = spanOf(spans, "invoke_agent");
      const prefix = major === "v6" ? "metadata" : "runtime_context";
      assertAttributes(operation, { ...usage, "user.id": "user-1" });
      const tenant = operation.attributes[`cloudflare.agents.${prefix}.tenant`];
      assert.ok(String(tenant).startsWith("long long"), describeSpans(spans).slice(0, 2_000));
    }),
  );

  test("7. createAISDKTelemetry keeps chat and tools under invoke_agent, their work inside", async () => {
    const spans = await run("/registered?major=v7");
    assertTree(spans, [
      {
        "GET /registered": [
          { "invoke_agent tester": [chat, { "execute_tool look_up": ["tool_work"] }, chat] },
        ],
      },
    ]);
  });

  test(
    "8. rejection and cancellation keep the time to the first chunk and the usage told so far",
    both(async (major) => {
      const timeToFirstChunk = "gen_ai.response.time_to_first_chunk";
      for (const outcome of ["abort", "cancel"]) {
        const spans = await run(`/left_after_text?major=${major}&outcome=${outcome}`);
        const [first, second] = spansOf(spans, "chat") as [Span, Span];
        assertAttributes(first, { [canceled]: undefined, [timeToFirstChunk]: /^0\./ });
        assertAttributes(second, { [canceled]: true, [timeToFirstChunk]: /^0\./ });
        assertAttributes(spanOf(spans, "invoke_agent"), {
          [canceled]: true,
          "gen_ai.usage.input_tokens": 7,
        });
      }
      const spans = await run(`/fails_after_step?major=${major}`);
      const operation = spanOf(spans, "invoke_agent");
      assert.equal(operation.status, "error", describeSpans(spans));
      assertAttributes(operation, { "gen_ai.usage.input_tokens": 7, "error.type": "TypeError" });
    }),
  );

  // Of the list of what is absent elsewhere, step spans, cost, sampling and links are not here either.
  test(
    "9. instructions, tools, stop sequences, the server and hooks to redact and enrich are there",
    both(async (major) => {
      const spans = await run(`/instructed?major=${major}`, latest);
      const stopSequences = { "gen_ai.request.stop_sequences": '["###"]' };
      assertAttributes(spanOf(spans, "chat"), {
        "gen_ai.system_instructions": '[{"type":"text","content":"The password is [password]."}]',
        "gen_ai.tool.definitions": /^\[\{"type":"function","name":"look_up","parameters":\{/,
        "server.address": "provider.example",
        "server.port": 8443,
        "app.operation": "chat",
        ...stopSequences,
      });
      assertAttributes(spanOf(spans, "invoke_agent"), {
        "app.operation": "invoke_agent",
        ...stopSequences,
      });
      assert.doesNotMatch(JSON.stringify(spans.map((span) => span.attributes)), /hunter2/);
    }),
  );

  // A consumer sums the spans of requests (chat, embeddings, rerank, generate_content) and leaves invoke_agent out,
  // whose usage is the sum of the chat spans right beneath it; agents nested in tools count in spans of their own.
  test(
    "10. the usage of invoke_agent is the sum of its chat spans, so that either gives the total",
    both(async (major) => {
      const spans = await run(`/two_steps?major=${major}`);
      for (const [key, expected] of [
        ["gen_ai.usage.input_tokens", 14],
        ["gen_ai.usage.output_tokens", 6],
        ["cloudflare.agents.usage.total_tokens", 20],
      ] as const) {
        const calls = spansOf(spans, "chat").map((span) => Number(span.attributes[key]));
        assert.equal(calls.length, 2);
        assert.equal(
          calls.reduce((sum, tokens) => sum + tokens, 0),
          expected,
        );
        assertAttributes(spanOf(spans, "invoke_agent"), { [key]: expected });
      }
    }),
  );
});
