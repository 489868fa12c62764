import { z } from "zod";
import { chatModel as scriptedChatModel } from "../ai_functions/chat_model.ts";
import type { Major } from "../ai_functions/outcomes.ts";
import type { Namespace } from "../ai_functions/subjects.ts";

/** It takes URLs, so that the SDK downloads none. */
const chatModel: typeof scriptedChatModel = (...args) => ({
  ...scriptedChatModel(...args),
  supportedUrls: { "*/*": [/^https:/] },
  config: { baseURL: "https://provider.example/v1" },
});

/** It has the provider run two tools, one of which fails. */
function searchingModel(major: Major) {
  const model = chatModel(major, "chat-1");
  const content = ["mcp.search", "mcp.broken"].flatMap((toolName) => {
    const of = { toolCallId: `call_${toolName}`, toolName, providerExecuted: true, dynamic: true };
    const isError = toolName === "mcp.broken";
    return [
      { type: "tool-call", input: '{"city":"Lisbon"}', ...of },
      { type: "tool-result", result: isError ? "a secret" : { degrees: 12 }, isError, ...of },
    ];
  });
  return {
    ...model,
    async doGenerate() {
      const answer = await model.doGenerate();
      return { ...answer, content: [...content, ...answer.content] };
    },
  };
}

type Scenario = (ai: Namespace, major: Major) => Promise<unknown>;

const settings = {
  maxOutputTokens: 99,
  temperature: 0.5,
  topP: 0.25,
  topK: 3,
  frequencyPenalty: 0.125,
  presencePenalty: -0.5,
  seed: 42,
  // Version 6 ignores it.
  reasoning: "high",
  stopSequences: ["###", "a\nb"],
  stopWhen: ({ steps }: { steps: unknown[] }) => steps.length >= 5,
};

const telemetry = (major: Major) => {
  const identity = { agentId: "a-1", agentVersion: "1.2", conversationId: "chat-1", userId: "u-1" };
  return major === "v7"
    ? { telemetry: { functionId: "tester" }, runtimeContext: identity }
    : { experimental_telemetry: { isEnabled: true, functionId: "tester", metadata: identity } };
};

const png = new Uint8Array([137, 80, 78, 71]);

/** Messages of every shape the SDK takes. */
const messages = [
  { role: "user", content: "First." },
  {
    role: "user",
    content: [
      { type: "text", text: "Look at these." },
      { type: "image", image: png, mediaType: "image/png" },
      { type: "image", image: new URL("https://example.com/cat.png?signature=1") },
      { type: "file", data: png, mediaType: "application/pdf", filename: "a.pdf" },
    ],
  },
  {
    role: "assistant",
    content: [
      { type: "reasoning", text: "I look it up." },
      { type: "text", text: "A moment." },
      { type: "tool-call", toolCallId: "call_0", toolName: "look_up", input: { city: "Lisbon" } },
    ],
  },
  {
    role: "tool",
    content: [
      {
        type: "tool-result",
        toolCallId: "call_0",
        toolName: "look_up",
        output: { type: "json", value: { degrees: 12 } },
      },
    ],
  },
  { role: "user", content: "And now?" },
];

const tools = {
  look_up: {
    description: "Looks up the weather.",
    inputSchema: z.object({}),
    execute: async () => ({ degrees: 12, words: ["mild", "dry"] }),
  },
  strict: { inputSchema: z.object({ a: z.string() }), execute: async () => "never run" },
  words: { inputSchema: z.object({}), execute: async () => "mild" },
  broken: {
    inputSchema: z.object({}),
    async execute() {
      throw new RangeError("a secret");
    },
  },
};

const asked = {
  ask: { inputSchema: z.object({}), needsApproval: true, execute: async () => "done" },
};

/** Ends of a conversation about a call that has to be approved. */
function answered(approved: boolean) {
  return [
    { role: "user", content: "Do it." },
    {
      role: "assistant",
      content: [
        { type: "tool-call", toolCallId: "call_ask", toolName: "ask", input: {} },
        { type: "tool-approval-request", approvalId: "approval-1", toolCallId: "call_ask" },
      ],
    },
    {
      role: "tool",
      content: [{ type: "tool-approval-response", approvalId: "approval-1", approved }],
    },
  ];
}

function generate(parameters: (major: Major) => object): Scenario {
  return async (ai, major) => ai["generateText"]?.({ ...telemetry(major), ...parameters(major) });
}

export const contentScenarios: readonly Scenario[] = [
  generate((major) => ({
    ...settings,
    system: "Be brief.",
    messages,
    tools,
    model: chatModel(major, "chat-1", { tools: ["look_up", "words", "broken", "strict"] }),
  })),
  async (ai, major) => {
    const model = chatModel(major, "chat-1", { tools: ["look_up"] });
    const result = ai["streamText"]?.({
      ...telemetry(major),
      ...settings,
      system: "Be brief.",
      messages,
      tools,
      model,
    }) as { consumeStream(): PromiseLike<void> };
    await result.consumeStream();
  },
  generate((major) => ({ prompt: "Search.", model: searchingModel(major) })),
  generate((major) => ({ prompt: "A name.", model: chatModel(major, "a/".repeat(40)) })),
  generate((major) => ({
    prompt: "Do it.",
    tools: asked,
    model: chatModel(major, "chat-1", { tools: ["ask"] }),
  })),
  generate((major) => ({
    messages: answered(true),
    tools: asked,
    model: chatModel(major, "chat-1"),
  })),
  generate((major) => ({
    messages: answered(false),
    tools: asked,
    model: chatModel(major, "chat-1"),
  })),
  generate((major) => ({
    prompt: "long ".repeat(20_000),
    system: "Be brief. ".repeat(5_000),
    model: chatModel(major, "chat-1", { text: "word ".repeat(20_000) }),
  })),
];
