import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import {
  type Functions,
  type Sdk,
  sdks,
  type TextStream,
  textAnswer,
  textParts,
  usage,
  wrapped,
} from "../support/ai_sdk.ts";
import type { RecordingRuntime } from "../support/recording_runtime.ts";
import { attributesOf, recording, spanNamed, type Tracing } from "../support/tracing.ts";

type Params = Readonly<Record<string, unknown>>;

interface Agent {
  generate(params: Params): Promise<unknown>;
  stream(params: Params): Promise<TextStream>;
}

type AgentClass = new (settings: Params) => Agent;

const invalid = { toolName: "strict", input: '{"a":"a secret"}' };
const unknown = { toolName: "missing", input: '{"a":"a secret"}' };

/** A model that calls a tool, and then answers, or fails with `then`. */
function modelOf(sdk: Sdk, call: object, then: () => unknown = textAnswer()) {
  const part = { type: "tool-call", toolCallId: "call-1", ...call };
  const finishReason = { unified: "tool-calls", raw: undefined };
  return sdk.model({
    generate: [() => ({ content: [part], finishReason, usage, warnings: [] }), then],
    stream: [
      () => [{ type: "stream-start", warnings: [] }, part, { type: "finish", finishReason, usage }],
      textParts("Hello"),
    ],
  });
}

function strict({ name }: Sdk, execute: () => unknown = () => "never run"): object {
  const { jsonSchema } = name === "v7" ? aiV7 : aiV6;
  const validate = (value: unknown) => {
    const { a } = value as { a?: unknown };
    return typeof a === "number"
      ? { success: true as const, value }
      : { success: false as const, error: new TypeError("a secret") };
  };
  return { inputSchema: jsonSchema({ type: "object" }, { validate }), execute };
}

/** The ways to make a call, each of which settles when the call is over. */
const ways: Readonly<Record<string, (functions: Functions, params: Params) => Promise<unknown>>> = {
  generateText: ({ generateText }, params) => generateText(params),
  streamText: async ({ streamText }, params) => streamText(params).consumeStream(),
  "streamText, of which two branches are read": async ({ streamText }, params) => {
    const result = streamText(params);
    await Promise.all([result.text, result.consumeStream()]);
  },
  "ToolLoopAgent.generate": (functions, { prompt, ...settings }) =>
    agentOf(functions, settings).generate({ prompt }),
  "ToolLoopAgent.stream": async (functions, { prompt, ...settings }) =>
    (await agentOf(functions, settings).stream({ prompt })).consumeStream(),
};

function agentOf(functions: Functions, settings: Params): Agent {
  const { ToolLoopAgent } = functions as unknown as { ToolLoopAgent: AgentClass };
  return new ToolLoopAgent(settings);
}

async function run(
  sdk: Sdk,
  way: string,
  params: Params,
  options?: AITelemetryOptions,
): Promise<Tracing<RecordingRuntime>> {
  const tracing = recording();
  const functions = wrapped(tracing.telemetry, sdk, options);
  const parameters = { prompt: "p", stopWhen: sdk.stopAfter(4), ...params };
  await (ways[way] as (typeof ways)[string])(functions, parameters);
  for (const count of ["swallowed_errors", "double_ends", "late_writes"]) {
    assert.equal(tracing.count(count), 0, count);
  }
  return tracing;
}

function toolSpans({ runtime }: Tracing<RecordingRuntime>) {
  return runtime.spans.filter(({ name }) => name.startsWith("execute_tool"));
}

test("the low-memory variant of ai v7 tells of rejected calls in its stream of parts", async () => {
  const [v7] = sdks as [Sdk];
  const tracing = recording();
  const { experimental_streamTextLowMemory: streamText } = wrapped(
    tracing.telemetry,
    v7,
  ) as unknown as { experimental_streamTextLowMemory: Functions["streamText"] };
  const model = modelOf(v7, invalid);
  const { fullStream } = streamText({ prompt: "p", model, tools: { strict: strict(v7) } });
  for await (const _ of fullStream);
  assert.deepEqual(
    toolSpans(tracing).map((span) => attributesOf(span)["error.type"]),
    ["AI_InvalidToolInputError"],
  );
});

for (const sdk of sdks) {
  for (const way of Object.keys(ways)) {
    describe(`${way} of ai ${sdk.name} whose model calls a tool in vain`, () => {
      for (const [what, call, tools, error] of [
        ["input that does not fit", invalid, { strict: strict(sdk) }, "AI_InvalidToolInputError"],
        ["a name of no tool", unknown, { strict: strict(sdk) }, "AI_NoSuchToolError"],
        ["a name where there are no tools", unknown, undefined, "AI_NoSuchToolError"],
      ] as const) {
        test(`${what} gives one failed span below the operation`, async () => {
          const tracing = await run(sdk, way, { model: modelOf(sdk, call), tools });
          const [span, ...others] = toolSpans(tracing);
          assert.deepEqual(others, []);
          assert.equal(span?.name, `execute_tool ${call.toolName}`);
          assert.equal(span.parentId, 1);
          assert.equal(span.status, "error");
          assert.equal(span.ended, true);
          assert.partialDeepStrictEqual(attributesOf(span), {
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": "call-1",
            "error.type": error,
          });
          assert.doesNotMatch(JSON.stringify(attributesOf(span)), /secret/);
          assert.equal(spanNamed(tracing, "invoke_agent").status, "unset");
        });
      }

      test("its arguments are recorded when asked for", async () => {
        const model = modelOf(sdk, invalid);
        const settings = { model, tools: { strict: strict(sdk) } };
        const tracing = await run(sdk, way, settings, { storeTools: true });
        const attributes = attributesOf(toolSpans(tracing)[0]);
        assert.equal(attributes["gen_ai.tool.call.arguments"], '{"a":"a secret"}');
        assert.equal(attributes["gen_ai.tool.call.result"], undefined);
      });

      test("a call that is repaired has the span of the tool that runs", async () => {
        let ran = 0;
        const execute = () => {
          ran += 1;
          return "mild";
        };
        const tracing = await run(sdk, way, {
          model: modelOf(sdk, invalid),
          tools: { strict: strict(sdk, execute) },
          experimental_repairToolCall: async ({ toolCall }: { toolCall: object }) => ({
            ...toolCall,
            input: '{"a":1}',
          }),
        });
        assert.equal(ran, 1);
        const [span, ...others] = toolSpans(tracing);
        assert.deepEqual(others, []);
        assert.equal(span?.status, "unset");
        assert.equal(attributesOf(span)["error.type"], undefined);
      });

      test("a repair that fails is what the call failed with", async () => {
        const tracing = await run(sdk, way, {
          model: modelOf(sdk, invalid),
          tools: { strict: strict(sdk) },
          experimental_repairToolCall: async () => {
            throw new RangeError("a secret");
          },
        });
        const attributes = attributesOf(toolSpans(tracing)[0]);
        assert.equal(attributes["error.type"], "AI_ToolCallRepairError");
      });
    });
  }

  describe(`a call of ai ${sdk.name} with a rejected tool call`, () => {
    const settings = () => ({ model: modelOf(sdk, invalid), tools: { strict: strict(sdk) } });

    test("that fails later has the span", async () => {
      const tracing = recording();
      const model = modelOf(sdk, invalid, () => {
        throw new TypeError("a secret");
      });
      const { generateText } = wrapped(tracing.telemetry, sdk);
      const parameters = { ...settings(), model, prompt: "p", stopWhen: sdk.stopAfter(4) };
      await assert.rejects(generateText({ ...parameters, maxRetries: 0 }), TypeError);
      assert.equal(toolSpans(tracing)[0]?.status, "error");
    });

    test("has the span before the next request to the model", async () => {
      for (const way of Object.keys(ways)) {
        const { runtime } = await run(sdk, way, settings());
        const names = runtime.spans.map(({ name }) => name.split(" ")[0]);
        assert.deepEqual(names, ["invoke_agent", "chat", "execute_tool", "chat"], way);
      }
    });

    test("whose stream is left at once has the span", async () => {
      const tracing = recording();
      const { streamText } = wrapped(tracing.telemetry, sdk);
      for await (const { type } of streamText({ ...settings(), prompt: "p" }).fullStream) {
        if (type === "tool-call") break;
      }
      assert.equal(toolSpans(tracing).length, 1);
    });

    test("tells the caller's own callbacks of each step, as without tracing", async () => {
      for (const way of ["generateText", "ToolLoopAgent.generate"]) {
        for (const names of [["onStepFinish"], ["onStepEnd"], ["onStepFinish", "onStepEnd"]]) {
          const told = async (functions: Functions) => {
            const heard: string[] = [];
            const callbacks = names.map((name) => [
              name,
              (step: { finishReason: string }) => {
                heard.push(`${name} ${step.finishReason}`);
                throw new Error("a callback that fails");
              },
            ]);
            await (ways[way] as (typeof ways)[string])(functions, {
              ...settings(),
              prompt: "p",
              stopWhen: sdk.stopAfter(4),
              ...Object.fromEntries(callbacks),
            });
            return heard;
          };
          const expected = await told(sdk.namespace);
          assert.deepEqual(await told(wrapped(recording().telemetry, sdk)), expected, way);
        }
      }
    });
  });
}
