import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import {
  type Sdk,
  sdks,
  streamOf,
  textAnswer,
  textParts,
  usage,
  wrapped,
} from "../support/ai_sdk.ts";
import type { RecordedSpan, RecordingRuntime } from "../support/recording_runtime.ts";
import { allEnded, attributesOf, recording, spanNamed, type Tracing } from "../support/tracing.ts";

type Part = Readonly<Record<string, unknown>>;
type Way = "generateText" | "streamText";

const canceled = "cloudflare.agents.canceled";
const truncated = "cloudflare.agents.span.truncated";
const ways: readonly Way[] = ["generateText", "streamText"];

const call = (toolName: string, more: Part = {}): Part => ({
  type: "tool-call",
  toolCallId: `call-${toolName}`,
  toolName,
  input: '{"city":"Lisbon"}',
  providerExecuted: true,
  ...more,
});
const result = (toolName: string, more: Part = {}): Part => ({
  type: "tool-result",
  toolCallId: `call-${toolName}`,
  toolName,
  result: { degrees: 12 },
  ...more,
});
const reason = (unified: string) => ({ unified, raw: undefined });
const finish = (unified: string) => ({ type: "finish", finishReason: reason(unified), usage });

/** A model that answers with these parts, then with a text if it is asked again. */
function modelOf(sdk: Sdk, ...answers: readonly (readonly Part[])[]) {
  return sdk.model({
    generate: [
      ...answers.map((content) => () => ({
        content,
        finishReason: reason("stop"),
        usage,
        warnings: [],
      })),
      textAnswer(),
    ],
    stream: [
      ...answers.map((content) => () => [
        { type: "stream-start", warnings: [] },
        ...content,
        finish("stop"),
      ]),
      textParts("Hello"),
    ],
  });
}

/** A tool of a provider, as its package declares it. */
const providerTool = (sdk: Sdk, more: Part = {}) => ({
  ...sdk.tool(() => "never run"),
  execute: undefined,
  type: "provider",
  id: "provider.search",
  args: { secret: "a credential" },
  ...more,
});

async function run(
  sdk: Sdk,
  way: Way,
  params: Part,
  options?: AITelemetryOptions,
): Promise<Tracing<RecordingRuntime>> {
  const tracing = recording();
  const functions = wrapped(tracing.telemetry, sdk, options);
  const parameters = { prompt: "p", stopWhen: sdk.stopAfter(4), ...params };
  if (way === "generateText") await functions.generateText(parameters);
  else await functions.streamText(parameters).consumeStream();
  const { spans } = tracing.runtime;
  assert.deepEqual(
    spans.filter(({ ended }) => !ended).map(({ name }) => name),
    [],
  );
  for (const count of ["swallowed_errors", "double_ends", "late_writes"]) {
    assert.equal(tracing.count(count), 0, count);
  }
  return tracing;
}

function tools({ runtime }: Tracing<RecordingRuntime>): RecordedSpan[] {
  return runtime.spans.filter(
    (span) => attributesOf(span)["gen_ai.operation.name"] === "execute_tool",
  );
}

const namesOf = ({ runtime }: Tracing<RecordingRuntime>) =>
  runtime.spans.map(({ parentId, name }) => [parentId, name]);

for (const sdk of sdks) {
  for (const way of ways) {
    describe(`${way} of ai ${sdk.name} with tools of the provider`, () => {
      test("each has a span below the chat span of the call that ran it", async () => {
        const model = modelOf(sdk, [
          call("search"),
          result("search"),
          call("fetch"),
          result("fetch"),
        ]);
        const search = providerTool(sdk);
        const tracing = await run(sdk, way, { model, tools: { search, fetch: search } });
        assert.deepEqual(namesOf(tracing), [
          [0, "invoke_agent"],
          [1, "chat model-1"],
          [2, "execute_tool search"],
          [2, "execute_tool fetch"],
        ]);
        const span = spanNamed(tracing, "execute_tool search");
        assert.equal(span.status, "unset");
        assert.deepEqual(attributesOf(span), {
          "gen_ai.operation.name": "execute_tool",
          "cloudflare.agents.integration.name": "ai-sdk",
          "cloudflare.agents.operation.name": "tool.execute",
          "gen_ai.tool.name": "search",
          "gen_ai.tool.type": "extension",
          "gen_ai.tool.call.id": "call-search",
        });
        const chat = attributesOf(spanNamed(tracing, "chat model-1"));
        assert.equal(chat["cloudflare.agents.tool.count"], 2);
      });

      test("tools of an MCP server, which the caller does not declare, have theirs", async () => {
        const model = modelOf(sdk, [
          call("mcp.look_up", { dynamic: true }),
          result("mcp.look_up", { dynamic: true, result: { type: "call", output: "mild" } }),
        ]);
        const tracing = await run(sdk, way, { model });
        assert.equal(spanNamed(tracing, "execute_tool mcp.look_up").status, "unset");
      });

      for (const [what, more, expected] of [
        [
          "a code",
          { isError: true, result: { errorCode: "max_uses_exceeded" } },
          "max_uses_exceeded",
        ],
        ["words", { isError: true, result: { errorCode: "a secret in words" } }, "tool_error"],
        ["a text", { isError: true, result: "a secret" }, "tool_error"],
        ["the error of a server", { result: { type: "call", error: "a secret" } }, "tool_error"],
      ] as const) {
        test(`a result that is an error, told by ${what}, fails the span`, async () => {
          const model = modelOf(sdk, [
            call("search", { dynamic: true }),
            result("search", { dynamic: true, ...more }),
          ]);
          const tracing = await run(sdk, way, { model, tools: { search: providerTool(sdk) } });
          const span = spanNamed(tracing, "execute_tool search");
          assert.equal(span.status, "error");
          assert.equal(attributesOf(span)["error.type"], expected);
          assert.doesNotMatch(JSON.stringify(attributesOf(span)), /secret/);
          assert.equal(spanNamed(tracing, "chat model-1").status, "unset");
        });
      }

      test("a preliminary result does not end the span", async () => {
        const parts = [
          call("search"),
          ...(way === "streamText" ? [result("search", { result: 1, preliminary: true })] : []),
          result("search", { result: 2 }),
        ];
        const model = modelOf(sdk, parts);
        const settings = { model, tools: { search: providerTool(sdk) } };
        const tracing = await run(sdk, way, settings, { storeTools: true });
        const [span] = tools(tracing);
        assert.equal(attributesOf(span)["gen_ai.tool.call.result"], "2");
      });

      test("one whose result comes in a later answer ends with its call, and has one span", async () => {
        const search = providerTool(sdk, { supportsDeferredResults: true });
        const model = modelOf(sdk, [call("search")], [result("search")]);
        const tracing = await run(sdk, way, { model, tools: { search } });
        assert.deepEqual(namesOf(tracing), [
          [0, "invoke_agent"],
          [1, "chat model-1"],
          [2, "execute_tool search"],
          [1, "chat model-1"],
        ]);
        const span = spanNamed(tracing, "execute_tool search");
        const attributes = attributesOf(span);
        assert.equal(span.status, "unset");
        assert.equal(attributes[truncated], undefined);
        assert.equal(attributes[canceled], undefined);
      });

      test("calls that share an id end, each of them", async () => {
        const model = modelOf(sdk, [call("search"), call("search"), result("search")]);
        const tracing = await run(sdk, way, { model, tools: { search: providerTool(sdk) } });
        assert.equal(tools(tracing).length, 2);
      });

      test("arguments and results are recorded when asked for, redacted", async () => {
        const model = modelOf(sdk, [
          call("search"),
          result("search", { result: { said: "hunter2" } }),
        ]);
        const settings = { model, tools: { search: providerTool(sdk) } };
        const redact = (_key: string, value: string) => value.replaceAll("hunter2", "[password]");
        const options = { storeTools: true, redact };
        const attributes = attributesOf(tools(await run(sdk, way, settings, options))[0]);
        assert.equal(attributes["gen_ai.tool.call.arguments"], '{"city":"Lisbon"}');
        assert.equal(attributes["gen_ai.tool.call.result"], '{"said":"[password]"}');
        const telemetry = { recordInputs: false, recordOutputs: false };
        const unrecorded = await run(
          sdk,
          way,
          {
            ...settings,
            model: modelOf(sdk, [call("search"), result("search")]),
            experimental_telemetry: telemetry,
          },
          options,
        );
        const bare = attributesOf(tools(unrecorded)[0]);
        assert.equal(bare["gen_ai.tool.call.arguments"], undefined);
        assert.equal(bare["gen_ai.tool.call.result"], undefined);
      });

      test("one that asks for approval holds the request and does not fail", async () => {
        const request = {
          type: "tool-approval-request",
          approvalId: "a-1",
          toolCallId: "call-mcp.pay",
        };
        const model = modelOf(sdk, [call("mcp.pay", { dynamic: true }), request]);
        const tracing = await run(sdk, way, { model });
        assert.deepEqual(namesOf(tracing), [
          [0, "invoke_agent"],
          [1, "chat model-1"],
          [2, "execute_tool mcp.pay"],
          [3, "tool_approval mcp.pay"],
        ]);
        const approval = attributesOf(spanNamed(tracing, "tool_approval mcp.pay"));
        assert.equal(approval["cloudflare.agents.tool.approval.state"], "requested");
      });

      test("a call of it that the SDK rejects is the provider's all the same", async () => {
        const model = modelOf(sdk, [call("search", { input: "{no json" }), result("search")]);
        const tracing = await run(sdk, way, { model, tools: { search: providerTool(sdk) } });
        const [span, ...others] = tools(tracing);
        assert.deepEqual(others, []);
        assert.equal(span?.status, "unset");
      });
    });
  }

  describe(`a stream of ai ${sdk.name} that ends while a tool of the provider runs`, () => {
    const tool = async (
      rest: readonly unknown[] | "error",
      consume: (stream: AsyncIterable<{ type: string }>) => Promise<void>,
    ) => {
      const tracing = recording();
      const start = [{ type: "stream-start", warnings: [] }, call("search")];
      const failing = streamOf(start).pipeThrough(
        new TransformStream({
          flush(controller) {
            if (rest === "error") controller.error(new TypeError("a secret"));
          },
        }),
      );
      const stream = rest === "error" ? failing : streamOf([...start, ...rest]);
      const { fullStream } = wrapped(tracing.telemetry, sdk).streamText({
        prompt: "p",
        model: sdk.model({ stream: [() => stream] }),
        tools: { search: providerTool(sdk) },
        onError: () => {},
        maxRetries: 0,
      });
      await consume(fullStream);
      await allEnded(tracing);
      const span = spanNamed(tracing, "execute_tool search");
      assert.equal(span.ended, true);
      return { span, attributes: attributesOf(span) };
    };

    test("because its reader leaves cancels the tool", async () => {
      const { span, attributes } = await tool([...textParts("a", "b")()], async (stream) => {
        for await (const { type } of stream) if (type === "tool-call") break;
      });
      assert.equal(span.status, "unset");
      assert.equal(attributes[canceled], true);
    });

    test("because it breaks off cancels the tool, which has not failed itself", async () => {
      const { span, attributes } = await tool("error", async (stream) => {
        try {
          for await (const _ of stream);
        } catch {
          // Some versions throw, some tell of it in the stream.
        }
      });
      assert.equal(span.status, "unset");
      assert.equal(attributes[canceled], true);
      assert.equal(attributes["error.type"], undefined);
    });
  });
}
