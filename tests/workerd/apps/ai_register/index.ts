import "../tracer/hide.ts";

// Above all others, because isotel looks at the runtime when it is evaluated.

import type {
  EmbeddingModelV4,
  RerankingModelV4,
  SpeechModelV4,
  TranscriptionModelV4,
} from "@ai-sdk/provider";
import { APICallError, isStepCount, type ToolSet, tool } from "ai";
import * as aiV6 from "ai-v6";
import { tracer, withInvocationScope } from "isotel";
import { createAISDKTelemetry } from "isotel/ai";
import { z } from "zod";
import type { Model, StreamPart } from "../../../../worker/model/model_types.ts";
import { type Route, routes } from "../../harness/routes.ts";
import { type Answer, answer, modelOf, textParts, toolCallParts } from "../ai_sdk/models.ts";
import { breakTracing } from "./broken.ts";
import { heard, sdk, startChannel, stopChannel, store } from "./sdk.ts";

type Scenario = () => unknown;
type Settings = Omit<Parameters<typeof sdk.streamText>[0], "prompt" | "messages">;

const prompt = "What is the weather in Lisbon?";
const stopWhen = isStepCount(4);
const noInput = z.object({});

function generate(settings: Settings) {
  return sdk.generateText({ ...settings, prompt } as never);
}

function stream(settings: Settings) {
  return sdk.streamText({ onError: () => {}, ...settings, prompt } as never);
}

/** Answers given in turn, each of the provider's steps doing work that gives a span. */
function model(...answers: (() => Promise<Answer>)[]): Model {
  const given = modelOf(...answers);
  return {
    ...given,
    doGenerate: (options) =>
      tracer.withSpan("provider_work", {}, async () => {
        await scheduler.wait(1);
        return given.doGenerate(options);
      }),
    doStream: (options) =>
      tracer.withSpan("provider_work", {}, async () => {
        await scheduler.wait(1);
        return given.doStream(options);
      }),
  };
}

function working(name: string, ms = 1) {
  return tool({
    inputSchema: noInput,
    execute: () =>
      tracer.withSpan(`work_of_${name}`, {}, async () => {
        await scheduler.wait(ms);
        return name;
      }),
  });
}

const once = () => model(() => answer(textParts(2)));
const calling = (...names: string[]) =>
  model(
    () => answer(callsOf(names.map((name) => [name, `call_${name}`]))),
    () => answer(textParts(2)),
  );

function callsOf(calls: readonly (readonly [name: string, id: string])[]): StreamPart[] {
  const [start, , end] = toolCallParts("", {}) as [StreamPart, StreamPart, StreamPart];
  const parts = calls.map(([toolName, toolCallId]) => ({
    type: "tool-call" as const,
    toolCallId,
    toolName,
    input: "{}",
  }));
  return [start, ...parts, end];
}

const described = {
  temperature: 0.5,
  maxOutputTokens: 100,
  runtimeContext: { tenant: "t-1", hidden: "a secret", agentId: "agent-1", agentName: "named" },
  telemetry: {
    functionId: "function",
    includeRuntimeContext: { tenant: true, agentId: true, agentName: true },
  },
} as unknown as Settings;

const failing = tool({
  inputSchema: noInput,
  execute: async (): Promise<string> => {
    throw new RangeError("a secret");
  },
});

const strict = tool({ inputSchema: z.object({ a: z.string() }), execute: async () => 1 });

/** A model that has the provider run two tools of an MCP server, one of which fails. */
function searching(): Model {
  const ids = { providerExecuted: true, dynamic: true } as const;
  const parts = ["mcp.search", "mcp.broken"].flatMap((toolName): StreamPart[] => {
    const of = { toolCallId: `call_${toolName}`, toolName, ...ids };
    const result = toolName === "mcp.broken" ? "a secret" : { found: 1 };
    return [
      { type: "tool-call", input: '{"city":"Lisbon"}', ...of },
      { type: "tool-result", result, isError: toolName === "mcp.broken", ...of },
    ];
  });
  const [start, ...text] = textParts(2);
  return model(() => answer([start as StreamPart, ...parts, ...text]));
}

/** A model whose provider asks whether it may run a tool. */
function asking(): Model {
  const { doGenerate, ...given } = once();
  const toolCallId = "call_mcp.pay";
  const ids = { toolCallId, toolName: "mcp.pay", providerExecuted: true, dynamic: true } as const;
  return {
    ...given,
    async doGenerate(options) {
      const answer = await doGenerate(options);
      return {
        ...answer,
        content: [
          { type: "tool-call", input: "{}", ...ids },
          { type: "tool-approval-request", approvalId: "approval-1", toolCallId },
        ],
      };
    },
  };
}

const counting = tool({
  inputSchema: noInput,
  async *execute() {
    yield await tracer.withSpan("before_yield", {}, async () => 1);
    await scheduler.wait(1);
    yield await tracer.withSpan("after_yield", {}, async () => 2);
  },
});

function retryable(): APICallError {
  return new APICallError({
    message: "a secret",
    url: "https://provider.example/",
    requestBodyValues: {},
    statusCode: 503,
    responseHeaders: { "retry-after-ms": "1" },
    isRetryable: true,
  });
}

const cause = new TypeError("a secret");
const reject = () => Promise.reject(cause);

/** Whether a call rejects with the very cause it was given. */
const isSame = (call: PromiseLike<unknown>, expected: unknown = cause) =>
  Promise.resolve(call).then(
    () => "resolved",
    (error: unknown) => (error === expected ? "same" : String(error)),
  );

async function typesOf(result: ReturnType<typeof stream>): Promise<string> {
  const types: string[] = [];
  try {
    for await (const part of result.fullStream) types.push(part.type);
  } catch (error) {
    types.push(`threw ${(error as Error).name}`);
  }
  return types.join(" ");
}

async function textOf(result: ReturnType<typeof generate>) {
  const { text, usage, steps } = (await result) as Awaited<ReturnType<typeof sdk.generateText>>;
  return { text, usage, steps: steps.length };
}

/** A call of which nothing may be recorded but that it was made. */
function hidden(): Settings {
  return {
    model: calling("first", "failing"),
    stopWhen,
    tools: { first: working("first"), failing } as ToolSet,
    telemetry: { recordInputs: false, recordOutputs: false },
  };
}

const including = {
  runtimeContext: { tenant: "t-1", hidden: "a secret" },
  telemetry: { functionId: "function", includeRuntimeContext: { tenant: true } },
} as const;

function embedding(): EmbeddingModelV4 {
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "embedding-1",
    maxEmbeddingsPerCall: 2,
    supportsParallelCalls: false,
    async doEmbed({ values }) {
      await scheduler.wait(1);
      return {
        embeddings: values.map(() => [1, 2]),
        usage: { tokens: values.length },
        response: { headers: { "cf-aig-log-id": "log-1" }, body: {} },
        warnings: [],
      };
    },
  };
}

const reranking: RerankingModelV4 = {
  specificationVersion: "v4",
  provider: "scripted",
  modelId: "rerank-1",
  doRerank: async () => ({
    ranking: [{ index: 1, relevanceScore: 1 }],
    response: { id: "ranking-1", modelId: "rerank-1b", timestamp: new Date() },
    warnings: [],
  }),
};

const speaking: SpeechModelV4 = {
  specificationVersion: "v4",
  provider: "scripted",
  modelId: "speech-1",
  doGenerate: async () => ({
    audio: new Uint8Array([1, 2, 3]),
    warnings: [],
    response: { timestamp: new Date(), modelId: "speech-1b" },
  }),
};

const transcribing: TranscriptionModelV4 = {
  specificationVersion: "v4",
  provider: "scripted",
  modelId: "transcription-1",
  doGenerate: async () => ({
    text: "spoken",
    segments: [],
    language: undefined,
    durationInSeconds: undefined,
    warnings: [],
    response: { timestamp: new Date(), modelId: "transcription-1b" },
  }),
};

/** A call of generateObject whose provider names its answer. */
function objectCall(doGenerate?: () => Promise<never>) {
  const given = modelOf(() => answer(textParts(0)));
  const usage = {
    inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 3, text: 3, reasoning: undefined },
  };
  const finishReason = { unified: "stop", raw: undefined } as const;
  const response = { id: "answer-1", modelId: "given-1b", timestamp: new Date() };
  const model: Model = {
    ...given,
    doGenerate:
      doGenerate ??
      (async () => ({
        content: [{ type: "text", text: '{"ok":true}' }],
        finishReason,
        usage,
        response,
        warnings: [],
      })),
    async doStream() {
      const parts: StreamPart[] = [
        { type: "stream-start", warnings: [] },
        { type: "response-metadata", ...response },
        { type: "text-start", id: "0" },
        { type: "text-delta", id: "0", delta: '{"ok":true}' },
        { type: "text-end", id: "0" },
        { type: "finish", finishReason, usage },
      ];
      const stream = new ReadableStream<StreamPart>({
        start(controller) {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      });
      return { stream };
    },
  };
  return { model, prompt, schema: z.object({ ok: z.boolean() }), temperature: 0.5 };
}

const objectOf = ({ object }: { readonly object: unknown }) => object;

function failingStream(after: number): Model {
  const given = once();
  return {
    ...given,
    async doStream() {
      let count = 0;
      return {
        stream: new ReadableStream<StreamPart>({
          async pull(controller) {
            await scheduler.wait(1);
            const part = textParts(20)[count];
            count += 1;
            if (count > after || part === undefined) controller.error(cause);
            else controller.enqueue(part);
          },
        }),
      };
    },
  };
}

/** What the user's store is in each place the SDK runs code of the user's. */
async function storesSeen(isStream: boolean) {
  const seen: Record<string, string | undefined> = {};
  const note = (where: string) => {
    seen[where] = store.getStore();
  };
  const given = calling("look");
  const observed: Model = {
    ...given,
    doGenerate(options) {
      note("doGenerate");
      return given.doGenerate(options);
    },
    doStream(options) {
      note("doStream");
      return given.doStream(options);
    },
  };
  const settings = {
    model: observed,
    stopWhen,
    tools: {
      look: tool({
        inputSchema: noInput,
        execute: async () => {
          note("tool");
          await scheduler.wait(1);
          note("tool later");
          return "";
        },
      }),
    },
    prepareStep: () => {
      note("prepareStep");
      return {};
    },
    onStepEnd: () => note("onStepEnd"),
    onStart: () => note("onStart"),
  } as unknown as Settings;
  await store.run("the caller's", async () => {
    if (isStream) await stream(settings).consumeStream();
    else await generate(settings);
    note("afterwards");
  });
  return seen;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  generate_tools: () =>
    textOf(
      generate({
        ...described,
        model: calling("first", "second"),
        stopWhen,
        tools: { first: working("first", 4), second: working("second", 1) } as ToolSet,
      }),
    ),

  stream_tools: () =>
    typesOf(
      stream({
        ...described,
        model: calling("first", "second"),
        stopWhen,
        tools: { first: working("first", 4), second: working("second", 1) } as ToolSet,
      }),
    ),

  generate_output: () =>
    generate({
      model: model(() =>
        answer([
          ...textParts(0).slice(0, 2),
          { type: "text-delta", id: "0", delta: '{"ok":true}' },
          ...textParts(0).slice(2),
        ]),
      ),
      output: { ...sdk.Output.object({ schema: z.object({ ok: z.boolean() }) }) },
    } as never).then((result) => (result as { output: unknown }).output),

  generate_failing_tool: () =>
    textOf(generate({ model: calling("failing"), stopWhen, tools: { failing } })),
  stream_failing_tool: () =>
    typesOf(stream({ model: calling("failing"), stopWhen, tools: { failing } })),

  generate_generator_tool: () =>
    textOf(generate({ model: calling("counting"), stopWhen, tools: { counting } })),
  stream_generator_tool: () =>
    typesOf(stream({ model: calling("counting"), stopWhen, tools: { counting } })),

  generate_invalid_input: () =>
    textOf(generate({ model: calling("strict"), stopWhen, tools: { strict } })),
  stream_invalid_input: () =>
    typesOf(stream({ model: calling("strict"), stopWhen, tools: { strict } })),
  generate_unknown_tool: () =>
    textOf(generate({ model: calling("missing"), stopWhen, tools: { strict } })),

  generate_provider_tool: () => textOf(generate({ model: searching() })),
  stream_provider_tool: () => typesOf(stream({ model: searching() })),
  generate_provider_approval: () => textOf(generate({ model: asking() })),

  generate_same_ids: () => {
    const same = model(
      () =>
        answer(
          callsOf([
            ["first", "same"],
            ["second", "same"],
          ]),
        ),
      () => answer(textParts(2)),
    );
    const tools = { first: working("first", 8), second: working("second", 2) } as ToolSet;
    return textOf(generate({ model: same, stopWhen, tools }));
  },

  generate_nested: () =>
    textOf(
      generate({
        telemetry: { functionId: "outer" },
        model: calling("delegate"),
        stopWhen,
        tools: {
          delegate: tool({
            inputSchema: noInput,
            execute: async () =>
              (await textOf(generate({ telemetry: { functionId: "inner" }, model: once() }))).text,
          }),
        },
      }),
    ),
  stream_nested: () =>
    typesOf(
      stream({
        telemetry: { functionId: "outer" },
        model: calling("delegate"),
        stopWhen,
        tools: {
          delegate: tool({
            inputSchema: noInput,
            execute: () => stream({ telemetry: { functionId: "inner" }, model: once() }).text,
          }),
        },
      }),
    ),

  generate_retried: () =>
    textOf(
      generate({
        model: model(
          () => Promise.reject(retryable()),
          () => answer(textParts(1)),
        ),
        maxRetries: 1,
      }),
    ),
  stream_retried: () =>
    typesOf(
      stream({
        model: model(
          () => Promise.reject(retryable()),
          () => answer(textParts(1)),
        ),
        maxRetries: 1,
      }),
    ),

  generate_rejected: () => isSame(generate({ model: model(reject), maxRetries: 0 })),
  generate_rejected_hidden: () =>
    isSame(generate({ model: model(reject), maxRetries: 0, telemetry: { recordInputs: false } })),
  stream_rejected: () => typesOf(stream({ model: model(reject), maxRetries: 0 })),
  stream_error_part: () => {
    const parts = textParts(4);
    parts.splice(3, 0, { type: "error", error: new RangeError("a secret") });
    return typesOf(stream({ model: model(() => answer(parts)) }));
  },
  stream_failed: () => typesOf(stream({ model: failingStream(4) })),
  stream_failed_at_once: () => typesOf(stream({ model: failingStream(0) })),

  generate_aborted() {
    const abort = new AbortController();
    const aborting = model(async () => {
      abort.abort();
      throw abort.signal.reason;
    });
    return isSame(generate({ model: aborting, abortSignal: abort.signal }), abort.signal.reason);
  },
  async stream_aborted() {
    const abort = new AbortController();
    const { textStream } = stream({
      model: model(() => answer(textParts(200))),
      abortSignal: abort.signal,
    });
    let chunks = 0;
    for await (const text of textStream) {
      chunks += text === "" ? 0 : 1;
      if (chunks === 3) abort.abort();
    }
    return chunks < 200;
  },
  async stream_aborted_unread() {
    const abort = new AbortController();
    stream({ model: model(() => answer(textParts(200))), abortSignal: abort.signal });
    await scheduler.wait(5);
    abort.abort();
    await scheduler.wait(5);
  },

  generate_prepared: () =>
    textOf(
      generate({
        model: calling("first"),
        stopWhen,
        tools: { first: working("first") } as ToolSet,
        prepareStep: ({ stepNumber }) =>
          stepNumber === 0 ? {} : { model: { ...once(), modelId: "swapped-1" } },
      }),
    ),
  stream_prepared: () =>
    typesOf(
      stream({
        model: calling("first"),
        stopWhen,
        tools: { first: working("first") } as ToolSet,
        prepareStep: ({ stepNumber }) =>
          stepNumber === 0 ? {} : { model: { ...once(), modelId: "swapped-1" } },
      }),
    ),

  generate_disabled: () => textOf(generate({ model: once(), telemetry: { isEnabled: false } })),

  generate_stores: () => storesSeen(false),
  stream_stores: () => storesSeen(true),

  /** Nothing but the SDK and the telemetry opens spans here. */
  generate_bare: () =>
    textOf(
      generate({
        model: modelOf(
          () => answer(toolCallParts("bare", {})),
          () => answer(textParts(2)),
        ),
        stopWhen,
        tools: { bare: tool({ inputSchema: noInput, execute: async () => 1 }) },
      }),
    ),
  stream_bare: () =>
    typesOf(
      stream({
        model: modelOf(
          () => answer(toolCallParts("bare", {})),
          () => answer(textParts(2)),
        ),
        stopWhen,
        tools: { bare: tool({ inputSchema: noInput, execute: async () => 1 }) },
      }),
    ),

  generate_hidden: () => textOf(generate(hidden())),
  stream_hidden: () => typesOf(stream(hidden())),

  /** The body is still being produced when the scope ends. */
  stream_response: () =>
    withInvocationScope(async () =>
      stream({ model: model(() => answer(textParts(20))) }).toTextStreamResponse(),
    ),

  object: () => sdk.generateObject({ ...objectCall(), maxOutputTokens: 50 }).then(objectOf),
  object_rejected: () => isSame(sdk.generateObject({ ...objectCall(reject), maxRetries: 0 })),
  async object_streamed() {
    const result = sdk.streamObject(objectCall());
    for await (const _ of result.partialObjectStream);
    return result.object;
  },

  embed: () =>
    sdk
      .embed({ model: embedding(), value: "a", providerOptions: {}, ...including })
      .then(({ usage }) => usage),
  embed_many: () =>
    sdk.embedMany({ model: embedding(), values: ["a", "b", "c"] }).then(({ usage }) => usage),
  embed_retried: () => {
    const retried = embedding();
    const { doEmbed } = retried;
    let attempts = 0;
    retried.doEmbed = (options) => {
      attempts += 1;
      return attempts === 1 ? Promise.reject(retryable()) : doEmbed(options);
    };
    return sdk.embed({ model: retried, value: "a", maxRetries: 1 }).then(({ usage }) => usage);
  },
  embed_rejected: () =>
    isSame(sdk.embed({ model: { ...embedding(), doEmbed: reject }, value: "a", maxRetries: 0 })),
  rerank: () =>
    sdk
      .rerank({ model: reranking, documents: ["a", "b"], query: "q", topN: 1 })
      .then(({ ranking }) => ranking),
  speech: () =>
    sdk.generateSpeech({ model: speaking, text: "a" }).then(({ audio }) => audio.mediaType),
  transcribe: () =>
    sdk
      .transcribe({ model: transcribing, audio: new Uint8Array([1, 2, 3]) })
      .then(({ text }) => text),

  agent: async () => {
    const agent = new sdk.ToolLoopAgent({
      model: calling("first"),
      tools: { first: working("first") } as ToolSet,
    });
    return (await agent.generate({ prompt })).text;
  },

  approval_requested: () =>
    textOf(
      generate({
        model: calling("first"),
        stopWhen,
        tools: { first: { ...working("first"), needsApproval: true } } as unknown as ToolSet,
      }),
    ),
  approval_denied: () =>
    typesOf(
      stream({
        model: calling("first"),
        stopWhen,
        tools: { first: working("first") } as ToolSet,
        toolApproval: { first: "denied" },
      } as unknown as Settings),
    ),

  /** Integrations of the user's, registered and of the call. */
  async integrations() {
    heard.length = 0;
    await generate({ model: once() });
    const ofCall = {
      onStart: () => {
        heard.push("of the call");
      },
    };
    await generate({ model: once(), telemetry: { integrations: [ofCall] } });
    await stream({ model: once(), telemetry: { integrations: ofCall } }).consumeStream();
    return heard;
  },

  /** An adapter given to one call alone. */
  async adapter_of_call() {
    const integrations = [createAISDKTelemetry()];
    return textOf(generate({ model: once(), telemetry: { integrations } }));
  },

  async v6_shares_integrations() {
    const { text } = await aiV6.generateText({
      model: { ...once(), specificationVersion: "v3" },
      prompt,
    } as never);
    return text;
  },

  /** Each agent's calls under the span they were made in. */
  async concurrent() {
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        tracer.withSpan(`caller ${index}`, {}, async () => {
          const settings = {
            telemetry: { functionId: `agent ${index}` },
            model: calling(`tool ${index}`),
            stopWhen,
            tools: { [`tool ${index}`]: working(`tool ${index}`, index % 7) } as ToolSet,
          };
          if (index % 2 === 0) await generate(settings);
          else await stream(settings).consumeStream();
        }),
      ),
    );
  },

  unread_in_scope: () =>
    withInvocationScope(async () => {
      stream({ model: model(() => answer(textParts(20))) });
      await scheduler.wait(10);
    }),
  left_in_scope: () =>
    withInvocationScope(async () => {
      const result = stream({
        model: model(
          () => answer(callsOf([["first", "call_first"]])),
          () => answer(textParts(200)),
        ),
        tools: { first: working("first") } as ToolSet,
        stopWhen,
      });
      for await (const text of result.textStream) {
        if (text !== "") break;
      }
      await scheduler.wait(1);
    }),

  /** More streams than are remembered. */
  async abandoned() {
    for (let index = 0; index < 1100; index += 1) {
      stream({ model: modelOf(() => answer(textParts(20))) });
      if (index % 50 === 0) await scheduler.wait(1);
    }
    await scheduler.wait(10);
    return (await textOf(generate({ model: once() }))).text;
  },

  async channel_stopped() {
    stream({ model: model(() => answer(textParts(20))) });
    await scheduler.wait(10);
    stopChannel();
    await generate({ model: once() });
    startChannel();
    return (await textOf(generate({ model: once() }))).text;
  },
};

export default routes({
  ...Object.fromEntries(
    Object.entries(scenarios).map(([name, scenario]): [string, Route] => [
      `/${name}`,
      () => scenario(),
    ]),
  ),
  "/diagnostics": () => tracer.diagnostics(),
  "/break": (url) => breakTracing(url.searchParams.get("method") ?? ""),
});
