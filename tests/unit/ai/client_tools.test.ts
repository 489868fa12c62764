import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { createIntegration } from "../../../bindings/ai/hooks/register.ts";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import {
  type Functions,
  type Sdk,
  sdks,
  type TextStream,
  textAnswer,
  textParts,
  toolAnswer,
  toolParts,
  wrapped,
} from "../support/ai_sdk.ts";
import { keepAtExit } from "../support/keep_spans.ts";
import { measuring, runtimes } from "../support/measuring.ts";
import type { RecordingRuntime } from "../support/recording_runtime.ts";
import { allEnded, attributesOf, recording, type Tracing } from "../support/tracing.ts";

type Params = Readonly<Record<string, unknown>>;

interface Agent {
  generate(params: Params): Promise<Result>;
  stream(
    params: Params,
  ): Promise<TextStream & { readonly response: PromiseLike<Result["response"]> }>;
}

interface Result {
  readonly response: { readonly messages: readonly object[] };
}

type AgentClass = new (settings: Params) => Agent;

/** The ways to make a call. Each returns the messages of the response. */
const ways: Readonly<
  Record<string, (functions: Functions, params: Params) => Promise<readonly object[]>>
> = {
  generateText: async ({ generateText }, params) =>
    ((await generateText(params)) as unknown as Result).response.messages,
  streamText: async ({ streamText }, params) => messagesOf(streamText(params)),
  "ToolLoopAgent.generate": async (functions, { messages, ...settings }) =>
    (await agentOf(functions, settings).generate({ messages })).response.messages,
  "ToolLoopAgent.stream": async (functions, { messages, ...settings }) =>
    messagesOf(await agentOf(functions, settings).stream({ messages })),
};

async function messagesOf(result: TextStream): Promise<readonly object[]> {
  // Two branches carry the same parts.
  await Promise.all([result.text, result.consumeStream()]);
  const { response } = result as unknown as { response: PromiseLike<Result["response"]> };
  return (await response).messages;
}

function agentOf(functions: Functions, settings: Params): Agent {
  const { ToolLoopAgent } = functions as unknown as { ToolLoopAgent: AgentClass };
  return new ToolLoopAgent(settings);
}

const model = (sdk: Sdk) =>
  sdk.model({ generate: [toolAnswer("confirm")], stream: [toolParts("confirm")] });
const answering = (sdk: Sdk) =>
  sdk.model({ generate: [textAnswer()], stream: [textParts("Hello")] });

function clientTool({ name }: Sdk): object {
  const { jsonSchema } = name === "v7" ? aiV7 : aiV6;
  return { inputSchema: jsonSchema({ type: "object", properties: {} }) };
}

const question = { role: "user", content: "p" };

const answerOf = (output: object) => ({
  role: "tool",
  content: [{ type: "tool-result", toolCallId: "call-confirm", toolName: "confirm", output }],
});

/** Makes the call that requests the tool and the call that gets its answer. */
async function roundTrip(
  sdk: Sdk,
  call: (params: Params) => Promise<readonly object[]>,
  output: object,
) {
  const tools = { confirm: clientTool(sdk), lookUp: sdk.tool(() => "mild") };
  const first = { tools, model: model(sdk), stopWhen: sdk.stopAfter(4), messages: [question] };
  const asked = await call(first);
  const messages = [question, ...asked, answerOf(output)];
  await call({ ...first, model: answering(sdk), messages });
}

/** Depth-first: [name, parent's name, what the span tells of the client's tool]. */
function toolSpans({ runtime }: Tracing<RecordingRuntime>) {
  return runtime.spans
    .filter(({ name }) => name.startsWith("execute_tool"))
    .map((span) => {
      const attributes = attributesOf(span);
      assert.equal(span.ended, true);
      return {
        name: span.name,
        parent: runtime.spans[span.parentId - 1]?.name,
        operation: attributes["cloudflare.agents.operation.name"],
        callId: attributes["gen_ai.tool.call.id"],
        isClient: attributes["cloudflare.agents.tool.runs_on_client"],
        error: attributes["error.type"],
        status: span.status,
      };
    });
}

const told = (operation: string, error?: string) => ({
  name: "execute_tool confirm",
  parent: "invoke_agent",
  operation,
  callId: "call-confirm",
  isClient: true,
  error,
  status: error === undefined ? "unset" : "error",
});

for (const sdk of sdks) {
  for (const [way, call] of Object.entries(ways)) {
    describe(`${way} of ai ${sdk.name} with a tool that the client runs`, () => {
      const run = async (output: object, options?: AITelemetryOptions) => {
        const tracing = recording();
        const functions = wrapped(tracing.telemetry, sdk, options);
        await roundTrip(sdk, (params) => call(functions, params), output);
        await allEnded(tracing);
        for (const count of ["swallowed_errors", "double_ends", "late_writes"]) {
          assert.equal(tracing.count(count), 0, count);
        }
        return tracing;
      };

      test("has a span for the request and one for the answer with the same call id", async () => {
        const tracing = await run({ type: "text", value: "yes" });
        assert.deepEqual(toolSpans(tracing), [told("tool.request"), told("tool.answer")]);
        const names = tracing.runtime.spans.map(({ name }) => name.split(" ")[0]);
        assert.deepEqual(names, [
          "invoke_agent",
          "chat",
          "execute_tool",
          "invoke_agent",
          "execute_tool",
          "chat",
        ]);
      });

      test("fails the span of an answer that is an error", async () => {
        const tracing = await run({ type: "error-text", value: "a secret" });
        assert.deepEqual(toolSpans(tracing), [
          told("tool.request"),
          told("tool.answer", "tool_error"),
        ]);
      });

      test("records arguments and answers when asked for", async () => {
        const tracing = await run({ type: "json", value: { ok: 1 } }, { storeTools: true });
        const [request, answer] = tracing.runtime.spans
          .filter(({ name }) => name.startsWith("execute_tool"))
          .map((span) => attributesOf(span));
        assert.equal(request?.["gen_ai.tool.call.arguments"], "{}");
        assert.equal(request?.["gen_ai.tool.call.result"], undefined);
        assert.equal(answer?.["gen_ai.tool.call.arguments"], undefined);
        assert.equal(answer?.["gen_ai.tool.call.result"], '{"ok":1}');
      });
    });
  }

  test(`an answer is recorded by the first call of ${sdk.name} that has it, and tools of the Worker are not told as the client's`, async () => {
    const tracing = recording();
    const { generateText } = wrapped(tracing.telemetry, sdk);
    const call = (toolName: string) => ({
      type: "tool-call",
      toolCallId: `call-${toolName}`,
      toolName,
      input: {},
    });
    const result = (toolName: string) => ({
      ...answerOf({ type: "text", value: "v" }).content[0],
      toolName,
      toolCallId: `call-${toolName}`,
    });
    const messages = [
      question,
      { role: "assistant", content: [call("confirm"), call("lookUp")] },
      { role: "tool", content: [result("confirm"), result("lookUp")] },
    ];
    const tools = { confirm: clientTool(sdk), lookUp: sdk.tool(() => "mild") };
    const common = { model: answering(sdk), tools };
    await generateText({ ...common, messages });
    assert.deepEqual(toolSpans(tracing), [told("tool.answer")]);
    const later = [...messages, { role: "assistant", content: "Hello" }, question];
    await generateText({ ...common, messages: later });
    assert.equal(toolSpans(tracing).length, 1);
  });

  test(`the metrics of ${sdk.name} count a request as a tool call and have no duration of the client's tool`, async () => {
    for (const [name, runtime] of Object.entries(runtimes)) {
      const measured = measuring(runtime());
      const functions = wrapped(measured.telemetry, sdk);
      const call = ways["generateText"] as (typeof ways)[string];
      await roundTrip(sdk, (params) => call(functions, params), { type: "text", value: "yes" });
      assert.deepEqual(measured.samples("execute_tool"), {}, name);
      const calls = measured.samples("tool_calls_sum");
      assert.deepEqual(Object.values(calls), [1], name);
    }
  });
}

test("a registered integration of v7 tells of the client's tools as the wrapper does", async () => {
  const [v7] = sdks as [Sdk];
  for (const way of ["generateText", "streamText"] as const) {
    const tracing = recording();
    keepAtExit(tracing.telemetry, undefined);
    const integrations = [createIntegration(tracing.telemetry, undefined)];
    const call = ways[way] as (typeof ways)[string];
    const plain = (params: Params) =>
      call(v7.namespace, { ...params, telemetry: { integrations } });
    await roundTrip(v7, plain, { type: "text", value: "yes" });
    await allEnded(tracing);
    assert.deepEqual(toolSpans(tracing), [told("tool.request"), told("tool.answer")], way);
  }
});
