import { z } from "zod";
import type { Major } from "../../apps/ai_functions/outcomes.ts";
import type { Namespace } from "../../apps/ai_functions/subjects.ts";
import {
  answer,
  calls,
  httpError,
  model,
  otherModels,
  type Step,
  text,
  toolCall,
  untilAborted,
} from "./model.ts";

/** Makes one call with the SDK of one observer. */
export type Scenario = (ai: Namespace, major: Major) => unknown;

const prompt = "How is the weather in Lisbon?";
const stopWhen = ({ steps }: { steps: unknown[] }) => steps.length >= 5;
const png = new Uint8Array([137, 80, 78, 71]);

const tools = {
  weather: {
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }: { city: string }) => ({ city, degrees: 21 }),
  },
  clock: { inputSchema: z.object({}), execute: async () => "12:00" },
  broken: {
    inputSchema: z.object({}),
    async execute() {
      throw new RangeError("a secret");
    },
  },
  mcp: {
    inputSchema: z.object({}),
    execute: async () => ({ isError: true, content: [{ type: "text", text: "no" }] }),
  },
  counted: {
    inputSchema: z.object({}),
    async *execute() {
      yield "one";
      yield "two";
    },
  },
  guarded: { inputSchema: z.object({}), needsApproval: true, execute: async () => "done" },
  client: { inputSchema: z.object({}) },
};

/** A tool that runs until it is aborted. */
const slowTool = (onStart: () => void) => ({
  inputSchema: z.object({}),
  execute(_input: object, { abortSignal }: { abortSignal: AbortSignal }) {
    onStart();
    return untilAborted(abortSignal);
  },
});

const weather = toolCall("weather", { city: "Lisbon" });
const settings = {
  maxOutputTokens: 99,
  temperature: 0.5,
  topP: 0.25,
  topK: 3,
  frequencyPenalty: 0.125,
  presencePenalty: -0.5,
  seed: 42,
  stopSequences: ["###"],
};

interface Call {
  readonly steps?: readonly Step[];
  readonly modelId?: string;
  readonly provider?: string;
  readonly params?: (major: Major) => object;
  /** Called at each delta of a text that the caller of a stream reads. */
  readonly onDelta?: () => void;
}

function paramsOf({ steps = [answer], params, ...rest }: Call, major: Major): object {
  return {
    model: model(major, steps, rest),
    maxRetries: 0,
    stopWhen,
    onError: () => {},
    ...(params?.(major) ?? {}),
  };
}

/** Calls a function that returns a promise. */
function generate(call: Call = {}, name = "generateText"): Scenario {
  return async (ai, major) => ai[name]?.({ prompt, ...paramsOf(call, major) });
}

type Result = Readonly<Record<"fullStream", AsyncIterable<{ readonly type: string }>>>;

/** Calls a function that streams, and reads its stream to the end or up to a part of this type. */
function stream(call: Call = {}, until?: string, name = "streamText"): Scenario {
  return async (ai, major) => {
    const result = ai[name]?.({ prompt, ...paramsOf(call, major) }) as Result;
    for await (const { type } of result.fullStream) {
      if (type === "text-delta") call.onDelta?.();
      if (type === until) break;
    }
  };
}

/** Makes a call that is aborted when it calls `abort`. */
function aborted(
  make: (abort: () => void, abortSignal: AbortSignal) => Scenario,
  reason?: unknown,
): Scenario {
  return (ai, major) => {
    const controller = new AbortController();
    return make(() => controller.abort(reason), controller.signal)(ai, major);
  };
}

/** The description of a call: metadata in version 6, the runtime context in version 7. */
function described(entries: object, functionId?: string) {
  const id = functionId === undefined ? {} : { functionId };
  return (major: Major) =>
    major === "v7"
      ? {
          telemetry: { ...id, includeRuntimeContext: included(entries) },
          runtimeContext: entries,
        }
      : { experimental_telemetry: { ...id, isEnabled: true, metadata: entries } };
}

function included(entries: object): object {
  return Object.fromEntries(Object.keys(entries).map((key) => [key, true]));
}

function agent(method: "generate" | "stream"): Scenario {
  return async (ai, major) => {
    const Agent = ai["ToolLoopAgent"] as unknown as new (settings: object) => Namespace;
    const params = paramsOf({ steps: [calls(weather), answer] }, major);
    const instance = new Agent({ id: "forecaster", ...params, tools });
    const result = await instance[method]?.({ prompt });
    if (method === "generate") return;
    for await (const _ of (result as Result).fullStream);
  };
}

function other(name: string, kind: "embedding" | "reranking" | "image", params: object): Scenario {
  return (ai, major) => ai[name]?.({ ...params, maxRetries: 0, model: otherModels(major)[kind] });
}

const conversation = (approved: boolean) => [
  { role: "user", content: prompt },
  {
    role: "assistant",
    content: [
      { type: "tool-call", toolCallId: "call_guarded", toolName: "guarded", input: {} },
      { type: "tool-approval-request", approvalId: "approval-1", toolCallId: "call_guarded" },
    ],
  },
  {
    role: "tool",
    content: [{ type: "tool-approval-response", approvalId: "approval-1", approved }],
  },
];

const messages = [
  { role: "user", content: "First." },
  {
    role: "user",
    content: [
      { type: "text", text: "Look." },
      { type: "image", image: png, mediaType: "image/png" },
      { type: "file", data: png, mediaType: "application/pdf", filename: "a.pdf" },
    ],
  },
  {
    role: "assistant",
    content: [
      { type: "reasoning", text: "I look it up." },
      { type: "tool-call", toolCallId: "call_0", toolName: "weather", input: { city: "Porto" } },
    ],
  },
  {
    role: "tool",
    content: [
      {
        type: "tool-result",
        toolCallId: "call_0",
        toolName: "weather",
        output: { type: "json", value: { degrees: 12 } },
      },
    ],
  },
  { role: "user", content: "And now?" },
];

const file = (major: Major) => ({
  type: "file",
  mediaType: "image/png",
  data: major === "v7" ? { type: "data", data: "aGVsbG8=" } : "aGVsbG8=",
});
const search = { providerExecuted: true, dynamic: true };
const cached = {
  inputTokens: { total: 70, noCache: 10, cacheRead: 40, cacheWrite: 20 },
  outputTokens: { total: 30, text: 10, reasoning: 20 },
};
const schema = z.object({ degrees: z.number() });
const object: Step = { parts: [text('{"degrees":21}')] };
const turn = {
  "cloudflare.agents.turn.request_id": "request-1",
  "cloudflare.agents.turn.trigger": "message",
  "cloudflare.agents.turn.admission": "immediate",
  "cloudflare.agents.turn.channel": "websocket",
  "cloudflare.agents.turn.continuation": true,
  "cloudflare.agents.turn.generation": 3,
};
const identity = {
  agentId: "agent-1",
  agentName: "Weather",
  agentVersion: "2",
  conversationId: "chat-1",
};
const fit = { ...settings, system: "Be brief." };

export const scenarios: Readonly<Record<string, Scenario>> = {
  "generateText answers": generate({ params: () => fit }),
  "streamText answers": stream({ params: () => fit }),
  "generateText calls a tool": generate({
    steps: [calls(weather), answer],
    params: () => ({ tools }),
  }),
  "streamText calls a tool": stream({ steps: [calls(weather), answer], params: () => ({ tools }) }),
  "three steps": generate({
    steps: [calls(weather), calls(toolCall("clock")), answer],
    params: () => ({ tools }),
  }),
  "tools in parallel": generate({
    steps: [calls(weather, toolCall("clock")), answer],
    params: () => ({ tools }),
  }),
  "tools in parallel in a stream": stream({
    steps: [calls(weather, toolCall("clock")), answer],
    params: () => ({ tools }),
  }),
  "a model that fails": generate({ steps: [{ error: new TypeError("a secret") }] }),
  "a model of a stream that fails": stream({ steps: [{ error: new TypeError("a secret") }] }),
  "an error inside a stream": stream({
    steps: [{ parts: [text("It")], inBand: new TypeError("a secret") }],
  }),
  "an HTTP error": generate({ steps: [{ error: httpError(400, false) }] }),
  "a retry": generate({
    steps: [{ error: httpError(503, true) }, answer],
    params: () => ({ maxRetries: 1 }),
  }),
  "a tool that fails": generate({
    steps: [calls(toolCall("broken")), answer],
    params: () => ({ tools }),
  }),
  "a tool that returns an error": generate({
    steps: [calls(toolCall("mcp")), answer],
    params: () => ({ tools }),
  }),
  "a generator tool": stream({
    steps: [calls(toolCall("counted")), answer],
    params: () => ({ tools }),
  }),
  "an abort": aborted((onRequest, abortSignal) =>
    generate({ steps: [{ hangs: true, onRequest }], params: () => ({ abortSignal }) }),
  ),
  "an abort with a reason": aborted(
    (onRequest, abortSignal) =>
      generate({ steps: [{ hangs: true, onRequest }], params: () => ({ abortSignal }) }),
    "user stop",
  ),
  "an abort of a stream": aborted((onDelta, abortSignal) =>
    stream({
      steps: [{ parts: [text("a ".repeat(50))] }],
      onDelta,
      params: () => ({ abortSignal }),
    }),
  ),
  "an abort while a tool runs": aborted((abort, abortSignal) =>
    generate({
      steps: [calls(toolCall("slow"))],
      params: () => ({ tools: { slow: slowTool(abort) }, abortSignal }),
    }),
  ),
  "a timeout": generate({ steps: [{ hangs: true }], params: () => ({ timeout: 200 }) }),
  "a stream that its reader leaves": stream({}, "text-delta"),
  "a stream that nobody reads": (ai, major) =>
    void ai["streamText"]?.({ prompt, ...paramsOf({}, major) }),
  "an output with a schema": (ai, major) =>
    generate({
      steps: [object],
      params: () => ({ output: (ai["Output"] as unknown as Namespace)["object"]?.({ schema }) }),
    })(ai, major),
  generateObject: generate({ steps: [object], params: () => ({ schema }) }, "generateObject"),
  streamObject: stream({ steps: [object], params: () => ({ schema }) }, undefined, "streamObject"),
  "an object that does not fit": generate({ params: () => ({ schema }) }, "generateObject"),
  "embed and embedMany": async (ai, major) => {
    await other("embed", "embedding", { value: "a" })(ai, major);
    await other("embedMany", "embedding", { values: ["a", "b", "c"] })(ai, major);
  },
  rerank: other("rerank", "reranking", { documents: ["a"], query: "a" }),
  generateImage: other("generateImage", "image", { prompt }),
  "ToolLoopAgent generates": agent("generate"),
  "ToolLoopAgent streams": agent("stream"),
  "reasoning, sources and files": (ai, major) =>
    generate({
      steps: [
        {
          parts: [
            { type: "reasoning", text: "I think." },
            { type: "source", sourceType: "url", id: "s", url: "https://a.example/", title: "A" },
            file(major),
            text("Done."),
          ],
        },
      ],
    })(ai, major),
  "reasoning in a stream": stream({
    steps: [{ parts: [text("Hm."), { type: "reasoning", text: "I think." }, text("Done.")] }],
  }),
  "a conversation with media": generate({
    params: () => ({ messages, prompt: undefined }),
  }),
  "tools of the provider": generate({
    steps: [
      {
        parts: [
          toolCall("search", {}, search),
          { ...toolCall("search", {}, search), type: "tool-result", result: { hits: 1 } },
          text("Found."),
        ],
      },
    ],
  }),
  "identity and metadata": generate({
    params: described({ ...identity, ...turn, plan: "pro", tags: ["a"], nested: { a: 1 } }),
  }),
  "a function id": generate({ params: described({}, "forecast") }),
  userId: generate({ params: described({ userId: "user-1" }) }),
  "user.id": stream({ params: described({ "user.id": "user-1", userId: "short" }) }),
  "cached and reasoning tokens": generate({ steps: [{ ...answer, usage: cached }] }),
  "an approval": generate({
    steps: [calls(toolCall("guarded"))],
    params: () => ({ tools }),
  }),
  "an approved tool": generate({
    params: () => ({ tools, messages: conversation(true), prompt: undefined }),
  }),
  "a denied tool": generate({
    params: () => ({ tools, messages: conversation(false), prompt: undefined }),
  }),
  "input that the SDK rejects": generate({
    steps: [calls(toolCall("weather", { city: 1 })), answer],
    params: () => ({ tools }),
  }),
  "a tool of the client": generate({
    steps: [calls(toolCall("client"))],
    params: () => ({ tools }),
  }),
  "telemetry that is disabled": generate({
    params: () => ({
      telemetry: { isEnabled: false },
      experimental_telemetry: { isEnabled: false },
    }),
  }),
  "content that is not to be recorded": generate({
    steps: [calls(weather), answer],
    params: () => {
      const telemetry = { isEnabled: true, recordInputs: false, recordOutputs: false };
      return { tools, telemetry, experimental_telemetry: telemetry };
    },
  }),
  "AI Gateway": generate({
    steps: [{ ...answer, headers: { "cf-aig-log-id": "log-1", "cf-aig-cache-status": "HIT" } }],
  }),
  "a model that prepareStep chooses": (ai, major) =>
    generate({
      params: () => ({
        prepareStep: () => ({ model: model(major, [answer], { modelId: "model-2" }) }),
      }),
    })(ai, major),
  "a cost that the provider reports": generate({
    steps: [{ ...answer, metadata: { openrouter: { usage: { cost: 0.25 } } } }],
  }),
  "a model that is given as a string": generate({ params: () => ({ model: "openai/model-1" }) }),
  "a long model id": generate({ modelId: "long/".repeat(20) }),
  "providers with other names": async (ai, major) => {
    for (const provider of [
      "google.generative-ai",
      "amazon-bedrock",
      "azure-openai.chat",
      "my-llm.chat",
    ]) {
      await generate({ provider })(ai, major);
    }
  },
};
