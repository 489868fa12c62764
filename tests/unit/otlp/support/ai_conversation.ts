import type { AITelemetryOptions } from "../../../../bindings/ai/options.ts";
import { readSettings } from "../../../../bindings/mcp/options.ts";
import { type MCPTransport, traceTransport } from "../../../../bindings/mcp/traced_transport.ts";
import type { Telemetry } from "../../../../bindings/trace/telemetry.ts";
import { callTool, recordedPair } from "../../../mcp/recorded_pair.ts";
import { type Sdk, sdks, textAnswer, textParts, toolParts, wrapped } from "../../support/ai_sdk.ts";

const v7 = sdks.find(({ name }) => name === "v7") as Sdk;

type Call = (params: object) => Promise<unknown>;

const options: AITelemetryOptions = {
  storeMessages: true,
  storeAgentMessages: true,
  storeTools: true,
  recordErrors: true,
  prices: {
    "model-1": { input: 2, output: 8, cacheRead: 0.5 },
    embedder: { input: 0.1, output: 0 },
  },
};

const settings = {
  temperature: 0.5,
  topP: 0.9,
  maxOutputTokens: 200,
  seed: 7,
  stopSequences: ["END", 'a "quote"'],
  experimental_telemetry: { metadata: { conversationId: "conv-1", userId: "user-1" } },
};

/** What a user of version 7 does: a streamed conversation, a call that fails, embeddings and reranking. */
export async function converse(telemetry: Telemetry, semconv: "agents" | "latest"): Promise<void> {
  const functions = wrapped(telemetry, v7, { ...options, semconv });
  const { embedMany, generateText } = functions as unknown as Record<
    "embedMany" | "generateText",
    Call
  >;
  const model = v7.model({ stream: [toolParts("weather"), textParts("It is ", "mild.")] });
  // Without it, the SDK downloads the picture.
  Object.defineProperty(model, "supportedUrls", { value: { "image/*": [/^https:/] } });
  const stream = functions.streamText({
    ...settings,
    model,
    instructions: "Answer briefly.",
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: 'How warm is it in "Zürich"?\nAnd here: 🏔' },
          {
            type: "file",
            data: new URL("https://images.example/alps.png"),
            mediaType: "image/png",
          },
          { type: "file", data: new Uint8Array(12), mediaType: "image/jpeg" },
        ],
      },
    ],
    tools: { weather: v7.tool(() => ({ degrees: 12, unit: "°C" })) },
    stopWhen: v7.stopAfter(3),
  });
  await stream.consumeStream();

  const refuses = v7.model({
    generate: [
      () => {
        throw new RangeError("the quota is used up");
      },
    ],
  });
  await generateText({ model: refuses, prompt: "Once more", maxRetries: 0 }).catch(() => {});

  const embedder = {
    specificationVersion: "v4",
    provider: "openai.embedding",
    modelId: "embedder",
    maxEmbeddingsPerCall: 8,
    supportsParallelCalls: false,
    doEmbed: async () => ({ embeddings: [[1], [2]], usage: { tokens: 40 }, warnings: [] }),
  };
  await embedMany({ model: embedder, values: ["alps", "sea"] });

  await generateText({ model: v7.model({ generate: [textAnswer()] }), prompt: "Thanks" });
}

/** Calls tools of a server of the Model Context Protocol: one that answers, and one that fails. */
export async function callMcpTools(telemetry: Telemetry): Promise<void> {
  const settings = readSettings({ storeTools: true });
  const { client } = await recordedPair("v1", (side, transport) => {
    if (side === "server") Object.assign(transport, { sessionId: "session-1" });
    else Object.assign(transport, { url: "https://mcp.example/mcp" });
    traceTransport(telemetry, settings, side, transport as MCPTransport);
  });
  await callTool(client, { name: "add", arguments: { a: 2, b: 3 } });
  await callTool(client, { name: "fail", arguments: {} });
  await client.close();
}
