import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import {
  type Functions,
  type Sdk,
  sdks,
  textAnswer,
  textParts,
  toolAnswer,
  toolParts,
  wrapped,
} from "../support/ai_sdk.ts";
import type { RecordedSpan } from "../support/recording_runtime.ts";
import { attributesOf, recording } from "../support/tracing.ts";

type Semconv = "agents" | "latest";

const settings = {
  maxOutputTokens: 99,
  temperature: 0.5,
  topP: 0.25,
  topK: 3,
  frequencyPenalty: 0.125,
  presencePenalty: -0.5,
  seed: 42,
};
const identity = {
  agentId: "agent-7",
  agentName: "helper",
  agentVersion: "1.2",
  conversationId: "conversation-3",
};

/** Runs a call with one tool step and one text step; its spans as [depth, name, attributes]. */
async function trace(
  sdk: Sdk,
  semconv: Semconv,
  run: (functions: Functions, params: object) => Promise<string>,
): Promise<{ spans: readonly RecordedSpan[]; tree: readonly (readonly [number, string])[] }> {
  const tracing = recording();
  const text = await run(wrapped(tracing.telemetry, sdk, { semconv }), {
    ...settings,
    prompt: "secret prompt",
    system: "secret instructions",
    tools: { weather: sdk.tool(() => "secret result") },
    stopWhen: sdk.stopAfter(5),
    experimental_telemetry: { metadata: identity },
    model: sdk.model({
      generate: [toolAnswer("weather"), textAnswer("Hello there")],
      stream: [toolParts("weather"), textParts("Hello ", "there")],
      headers: { "cf-aig-log-id": "log-1" },
    }),
  });
  assert.equal(text, "Hello there");
  const { spans } = tracing.runtime;
  return { spans, tree: spans.map(({ parentId, name }) => [parentId, name]) };
}

const generate = async (functions: Functions, params: object) =>
  (await functions.generateText({ ...params })).text;

const stream = async (functions: Functions, params: object) => {
  let text = "";
  for await (const delta of functions.streamText({ ...params }).textStream) text += delta;
  return text;
};

// What each kind of span carries, by facts of the call alone.
const who = (semconv: Semconv) => ({
  "cloudflare.agents.integration.name": "ai-sdk",
  "gen_ai.agent.name": "helper",
  "gen_ai.conversation.id": "conversation-3",
  ...(semconv === "agents" ? { "gen_ai.agent.id": "agent-7", "gen_ai.agent.version": "1.2" } : {}),
});
const request = {
  "gen_ai.request.model": "model-1",
  "gen_ai.output.type": "text",
  "gen_ai.request.max_tokens": 99,
  "gen_ai.request.temperature": 0.5,
  "gen_ai.request.top_p": 0.25,
  "gen_ai.request.frequency_penalty": 0.125,
  "gen_ai.request.presence_penalty": -0.5,
  "gen_ai.request.seed": 42,
};
const reason = (semconv: Semconv, value: string) =>
  semconv === "agents"
    ? { "cloudflare.agents.response.finish_reason": value }
    : { "gen_ai.response.finish_reasons": [value] };
const cacheWrites = {
  agents: "gen_ai.usage.cache_creation.input_tokens",
  latest: "gen_ai.usage.cache_write.input_tokens",
};

function expectedOperation(semconv: Semconv, sdkFunction: string): Record<string, unknown> {
  const isStream = sdkFunction === "streamText";
  return {
    "gen_ai.operation.name": "invoke_agent",
    "cloudflare.agents.operation.name": sdkFunction,
    ...who(semconv),
    ...request,
    ...reason(semconv, "stop"),
    "cloudflare.agents.tool.count": 1,
    "gen_ai.usage.input_tokens": 200,
    "gen_ai.usage.output_tokens": 40,
    "cloudflare.agents.usage.total_tokens": 240,
    ...(semconv === "agents"
      ? {
          "gen_ai.provider.name": "gcp.vertex_ai",
          "gen_ai.request.top_k": 3,
          "gen_ai.usage.cache_creation.input_tokens": 20,
          "gen_ai.usage.cache_read.input_tokens": 60,
          "gen_ai.usage.reasoning.output_tokens": 10,
          ...(isStream ? { "gen_ai.request.stream": true } : {}),
        }
      : {}),
  };
}

function expectedChat(
  semconv: Semconv,
  isStream: boolean,
  answer: "tools" | "text",
): Record<string, unknown> {
  return {
    "gen_ai.operation.name": "chat",
    "cloudflare.agents.step.number": answer === "tools" ? 0 : 1,
    "cloudflare.agents.operation.name": isStream ? "doStream" : "doGenerate",
    ...who(semconv),
    ...request,
    "gen_ai.provider.name": "gcp.vertex_ai",
    "gen_ai.request.top_k": 3,
    ...(isStream
      ? {
          "gen_ai.request.stream": true,
          "gen_ai.response.time_to_first_chunk": 1,
          "cloudflare.ai_gateway.log.id": "log-1",
        }
      : {}),
    "gen_ai.response.id": `response-${answer}`,
    "gen_ai.response.model": "model-1-0001",
    ...reason(semconv, answer === "tools" ? "tool-calls" : "stop"),
    ...(answer === "tools" ? { "cloudflare.agents.tool.count": 1 } : {}),
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    [cacheWrites[semconv]]: 10,
    "gen_ai.usage.cache_read.input_tokens": 30,
    "gen_ai.usage.reasoning.output_tokens": 5,
    "cloudflare.agents.usage.total_tokens": 120,
  };
}

const expectedTool = (semconv: Semconv) => ({
  "gen_ai.operation.name": "execute_tool",
  "cloudflare.agents.operation.name": "tool.execute",
  ...who(semconv),
  "gen_ai.tool.name": "weather",
  ...(semconv === "latest" && { "gen_ai.tool.description": "a tool" }),
  "gen_ai.tool.type": "function",
  "gen_ai.tool.call.id": "call-weather",
});

for (const sdk of sdks) {
  for (const semconv of ["agents", "latest"] as const) {
    for (const [sdkFunction, run] of [
      ["generateText", generate],
      ["streamText", stream],
    ] as const) {
      describe(`${sdkFunction} of ai ${sdk.name} with a tool, semconv "${semconv}"`, () => {
        const isStream = sdkFunction === "streamText";

        test("the tree is one operation with a chat span for each call and one for the tool", async () => {
          const { spans, tree } = await trace(sdk, semconv, run);
          assert.deepEqual(tree, [
            [0, "invoke_agent helper"],
            [1, "chat model-1"],
            [1, "execute_tool weather"],
            [1, "chat model-1"],
          ]);
          assert.ok(spans.every((span) => span.ended && span.status === "unset"));
          assert.ok(spans.every((span) => span.lateWrites === 0));
        });

        test("the attributes are those of the contract, no more and no less", async () => {
          const [operation, first, tool, second] = (await trace(sdk, semconv, run)).spans;
          assert.deepEqual(attributesOf(operation), expectedOperation(semconv, sdkFunction));
          assert.deepEqual(attributesOf(first), expectedChat(semconv, isStream, "tools"));
          assert.deepEqual(attributesOf(tool), expectedTool(semconv));
          assert.deepEqual(attributesOf(second), expectedChat(semconv, isStream, "text"));
        });

        test("nothing of prompts, instructions, tool values or answers is recorded", async () => {
          const { spans } = await trace(sdk, semconv, run);
          const recorded = JSON.stringify(spans.map((span) => [span.name, ...span.attributes]));
          assert.doesNotMatch(recorded, /secret|Hello/);
        });
      });
    }
  }

  describe(`answers of ai ${sdk.name}`, () => {
    test("numbers a provider reports that are none are left out, the rest stays", async () => {
      const tracing = recording();
      const { generateText } = wrapped(tracing.telemetry, sdk);
      const answer = textAnswer();
      await generateText({
        prompt: "p",
        model: sdk.model({
          generate: [
            () => ({
              ...answer(),
              usage: {
                inputTokens: { total: 7, noCache: 7, cacheRead: Number.NaN, cacheWrite: -1 },
                outputTokens: { total: undefined, text: undefined, reasoning: undefined },
              },
            }),
          ],
        }),
      });
      const attributes = attributesOf(tracing.runtime.spans[1]);
      assert.equal(attributes["gen_ai.usage.input_tokens"], 7);
      assert.equal(attributes["gen_ai.usage.output_tokens"], undefined);
      assert.equal(attributes["otel.dropped_attributes_count"], 2);
    });

    test("a call whose model calls nobody sees is told of by its result", async () => {
      const result = {
        totalUsage: { inputTokens: 100, outputTokens: 20, totalTokens: 120 },
        finishReason: "stop",
        response: { id: "response-1", modelId: "model-1-0001" },
      };
      const generateText = () => Promise.resolve(result);
      const namespace = { ...sdk.namespace, generateText } as unknown as Sdk["namespace"];
      const tracing = recording();
      const functions = wrapped(tracing.telemetry, { ...sdk, namespace });
      assert.equal(await functions.generateText({ prompt: "p", model: sdk.model({}) }), result);
      const [operation, ...others] = tracing.runtime.spans;
      assert.deepEqual(others, []);
      const attributes = attributesOf(operation);
      assert.deepEqual(
        [
          "gen_ai.usage.input_tokens",
          "gen_ai.usage.output_tokens",
          "cloudflare.agents.response.finish_reason",
          "gen_ai.response.id",
          "gen_ai.response.model",
        ].map((key) => attributes[key]),
        [100, 20, "stop", "response-1", "model-1-0001"],
      );
    });

    test("a gateway's log id of more than 256 bytes is none", async () => {
      for (const [id, expected] of [
        ["l".repeat(256), "l".repeat(256)],
        ["l".repeat(257), undefined],
        ["", undefined],
      ] as const) {
        const tracing = recording();
        const { streamText } = wrapped(tracing.telemetry, sdk);
        const model = sdk.model({ stream: [textParts("a")], headers: { "cf-aig-log-id": id } });
        await streamText({ prompt: "p", model }).consumeStream();
        const attributes = attributesOf(tracing.runtime.spans[1]);
        assert.equal(attributes["cloudflare.ai_gateway.log.id"], expected);
      }
    });

    test("an output that asks for JSON is of that type", async () => {
      const tracing = recording();
      const { generateText } = wrapped(tracing.telemetry, sdk);
      const output = (sdk.namespace as unknown as { Output: { json?(): unknown } }).Output;
      await generateText({
        prompt: "p",
        model: sdk.model({ generate: [textAnswer('{"a":1}')] }),
        output: output.json?.() ?? { name: "object" },
      });
      assert.equal(attributesOf(tracing.runtime.spans[0])["gen_ai.output.type"], "json");
    });

    test("a name that does not fit in 64 bytes is left out of the span's name, not of its attributes", async () => {
      const tracing = recording();
      const { generateText } = wrapped(tracing.telemetry, sdk);
      const modelId = "größer".repeat(20);
      const functionId = "n".repeat(70);
      await generateText({
        prompt: "p",
        model: sdk.model({ modelId, generate: [textAnswer()] }),
        experimental_telemetry: { functionId },
      });
      const [operation, chat] = tracing.runtime.spans;
      assert.deepEqual([operation?.name, chat?.name], ["invoke_agent", "chat"]);
      assert.equal(attributesOf(chat)["gen_ai.request.model"], modelId);
      assert.equal(attributesOf(chat)["gen_ai.agent.name"], functionId);
    });
  });
}

const inputKey = "gen_ai.input.messages";
const outputKey = "gen_ai.output.messages";

for (const sdk of sdks) {
  describe(`the messages of a call of ai ${sdk.name} on its own span`, () => {
    const run = async (way: typeof generate, options: AITelemetryOptions, params: object = {}) => {
      const tracing = recording();
      const text = await way(wrapped(tracing.telemetry, sdk, options), {
        prompt: "How warm is it?",
        system: "Be brief.",
        tools: { weather: sdk.tool(() => "mild") },
        stopWhen: sdk.stopAfter(3),
        model: sdk.model({
          generate: [toolAnswer("weather"), textAnswer("Hello there")],
          stream: [toolParts("weather"), textParts("Hello ", "there")],
        }),
        ...params,
      });
      assert.equal(text, "Hello there");
      const spans = tracing.runtime.spans.map((span) => attributesOf(span));
      const carrying = (key: string) =>
        spans
          .filter((span) => span[key] !== undefined)
          .map((span) => span["gen_ai.operation.name"]);
      const [operation = {}] = spans;
      return { operation, input: carrying(inputKey), output: carrying(outputKey) };
    };
    const parsed = (value: unknown) => JSON.parse(String(value)) as unknown;
    const question = { role: "user", parts: [{ type: "text", content: "How warm is it?" }] };
    const instructions = [{ type: "text", content: "Be brief." }];
    const answer = { role: "assistant", parts: [{ type: "text", content: "Hello there" }] };

    for (const [name, way] of Object.entries({ generate, stream })) {
      test(`are its prompt and its last answer with storeAgentMessages, and none without, of ${name}`, async () => {
        const { operation, input, output } = await run(way, { storeAgentMessages: true });
        assert.deepEqual([input, output], [["invoke_agent"], ["invoke_agent"]]);
        const system = { role: "system", parts: instructions };
        assert.deepEqual(parsed(operation[inputKey]), [system, question]);
        assert.deepEqual(parsed(operation[outputKey]), [{ ...answer, finish_reason: "stop" }]);

        const chats = await run(way, { storeMessages: true });
        assert.deepEqual(
          [chats.input, chats.output],
          [
            ["chat", "chat"],
            ["chat", "chat"],
          ],
        );
        const none = await run(way, {});
        assert.deepEqual([none.input, none.output], [[], []]);
      });

      test(`have the form of the profile latest, of ${name}`, async () => {
        const options = { storeAgentMessages: true, semconv: "latest" } as const;
        const { operation } = await run(way, options);
        assert.deepEqual(parsed(operation["gen_ai.system_instructions"]), instructions);
        assert.deepEqual(parsed(operation[inputKey]), [question]);
        assert.deepEqual(parsed(operation[outputKey]), [answer]);
      });

      test(`are those of a call with messages, redacted, and only what the call allows, of ${name}`, async () => {
        const messages = [
          { role: "user", content: "A secret?" },
          { role: "assistant", content: [{ type: "text", text: "No." }] },
          { role: "user", content: [{ type: "text", text: "Really?" }] },
        ];
        const params = { prompt: undefined, system: undefined, messages };
        const redact = (_: string, value: string) => value.replaceAll("secret", "word");
        const { operation } = await run(way, { storeAgentMessages: true, redact }, params);
        const said = (role: string, content: string) => ({
          role,
          parts: [{ type: "text", content }],
        });
        assert.deepEqual(parsed(operation[inputKey]), [
          said("user", "A word?"),
          said("assistant", "No."),
          said("user", "Really?"),
        ]);
        for (const [own, expected] of [
          [{ recordInputs: false }, [[], ["invoke_agent"]]],
          [{ recordOutputs: false }, [["invoke_agent"], []]],
        ] as const) {
          const { input, output } = await run(
            way,
            { storeAgentMessages: true },
            { experimental_telemetry: own },
          );
          assert.deepEqual([input, output], expected);
        }
      });
    }
  });

  test(`the metadata of a call of ai ${sdk.name} is on all its spans with metadataOnChildren, and on its own only without`, async () => {
    const metadata = { tenant: "a", tags: ["b", "c"], agentName: "helper" };
    for (const metadataOnChildren of [true, false]) {
      const tracing = recording();
      const { generateText } = wrapped(tracing.telemetry, sdk, { metadataOnChildren });
      await generateText({
        prompt: "p",
        model: sdk.model({ generate: [toolAnswer("weather"), textAnswer()] }),
        tools: { weather: { ...sdk.tool(() => "mild"), needsApproval: () => false } },
        stopWhen: sdk.stopAfter(3),
        experimental_telemetry: { metadata },
      });
      const found = tracing.runtime.spans.map((span) => {
        const attributes = attributesOf(span);
        const of = (key: string) => attributes[`cloudflare.agents.metadata.${key}`];
        return [span.name.split(" ")[0], of("tenant"), of("tags")];
      });
      const all = ["a", ["b", "c"]];
      const child = metadataOnChildren ? all : [undefined, undefined];
      assert.deepEqual(found, [
        ["invoke_agent", ...all],
        ["chat", ...child],
        ["execute_tool", ...child],
        ["chat", ...child],
      ]);
    }
  });
}
