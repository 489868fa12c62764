// The measured AI SDK calls, for Node and workerd: two steps, one tool, a text of 20 chunks.

interface SDK {
  readonly generateText: (params: object) => PromiseLike<object>;
  readonly streamText: (params: object) => object;
}

export type Major = "v6" | "v7";
export const majors: readonly Major[] = ["v6", "v7"];
export type FunctionName = keyof SDK;

const usage = {
  inputTokens: { total: 120, noCache: 56, cacheRead: 64, cacheWrite: 0 },
  outputTokens: { total: 38, text: 30, reasoning: 8 },
};
const toolCall = {
  type: "tool-call",
  toolCallId: "call_1",
  toolName: "lookup_weather",
  input: '{"city":"Lisbon"}',
};
const response = { id: "resp_1", modelId: "gpt-4o-2024-08-06" };
const chunks = Array.from({ length: 20 }, (_, index) => `word${index} `);

function finishReason(unified: string) {
  return { unified, raw: unified };
}

const generated = {
  call: { content: [toolCall], finishReason: finishReason("tool-calls") },
  answer: {
    content: [{ type: "text", text: chunks.join("") }],
    finishReason: finishReason("stop"),
  },
};

function partsOf(reason: string, ...parts: readonly object[]): readonly object[] {
  return [
    { type: "stream-start", warnings: [] },
    { type: "response-metadata", ...response },
    ...parts,
    { type: "finish", finishReason: finishReason(reason), usage },
  ];
}

const streamed = {
  call: partsOf("tool-calls", toolCall),
  answer: partsOf(
    "stop",
    { type: "text-start", id: "0" },
    ...chunks.map((delta) => ({ type: "text-delta", id: "0", delta })),
    { type: "text-end", id: "0" },
  ),
};

interface CallOptions {
  readonly prompt: readonly { readonly role: string }[];
}

/** The next answer of the model: first the tool call, then the text. */
function next({ prompt }: CallOptions): "call" | "answer" {
  return prompt.at(-1)?.role === "tool" ? "answer" : "call";
}

function streamOf(parts: readonly object[]): ReadableStream {
  let index = 0;
  return new ReadableStream({
    pull(controller) {
      if (index === parts.length) {
        controller.close();
        return;
      }
      controller.enqueue(parts[index]);
      index += 1;
    },
  });
}

function scriptedModel(major: Major): object {
  return {
    specificationVersion: major === "v7" ? "v4" : "v3",
    provider: "openai.chat",
    modelId: "gpt-4o",
    supportedUrls: {},
    doGenerate: async (options: CallOptions) => ({
      ...generated[next(options)],
      usage,
      response: { ...response, headers: {} },
      warnings: [],
    }),
    doStream: async (options: CallOptions) => ({
      stream: streamOf(streamed[next(options)]),
      response: { headers: {} },
    }),
  };
}

/** The identity of the agent, in the parameter that each major version reads. */
const identity = { agentId: "agent-1", agentVersion: "3", conversationId: "conv-42" };
const telemetry: Readonly<Record<Major, object>> = {
  v6: { experimental_telemetry: { functionId: "support", metadata: identity } },
  v7: { telemetry: { functionId: "support" }, runtimeContext: identity },
};

/** Returns the parameters of a call: a new object with the same model and tool. */
export function paramsFor(
  major: Major,
  ai: { readonly jsonSchema: (schema: never) => unknown },
): () => Record<string, unknown> {
  const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const tool = {
    description: "Looks the weather up.",
    inputSchema: ai.jsonSchema(city as never),
    execute: async () => ({ celsius: 21 }),
  };
  const model = scriptedModel(major);
  const stopWhen = ({ steps }: { readonly steps: readonly unknown[] }) => steps.length === 3;
  return () => ({
    model,
    tools: { lookup_weather: tool },
    stopWhen,
    prompt: "What is the weather in Lisbon?",
    temperature: 0.2,
    topP: 0.9,
    maxOutputTokens: 500,
    seed: 7,
    maxRetries: 0,
    ...telemetry[major],
  });
}

/** Makes a call and reads its whole result. Throws if the result is incomplete. */
export type Call = (params: object) => Promise<void>;

/** Calls of one function of a namespace, plain or wrapped. */
export function callOf(namespace: object, name: FunctionName): Call {
  const sdk = namespace as SDK;
  return name === "generateText" ? generating(sdk.generateText) : streaming(sdk.streamText);
}

function generating(generateText: SDK["generateText"]): Call {
  return async (params) => {
    const { text } = (await generateText(params)) as { readonly text: string };
    check(text.length > 0);
  };
}

function streaming(streamText: SDK["streamText"]): Call {
  return async (params) => {
    const { textStream } = streamText(params) as { readonly textStream: AsyncIterable<string> };
    let count = 0;
    for await (const chunk of textStream) {
      count += chunk.length > 0 ? 1 : 0;
    }
    check(count === chunks.length);
  };
}

function check(isComplete: boolean): void {
  if (!isComplete) {
    throw new Error("A call gave less than the model said.");
  }
}
