import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAI as createOpenAIV6 } from "ai-sdk-openai-v6";
import { sdks, wrapped } from "../support/ai_sdk.ts";
import { attributesOf, recording } from "../support/tracing.ts";

const mcpCall = { type: "mcp_call", server_label: "shop", arguments: "{}", status: "completed" };
const output = [
  {
    type: "web_search_call",
    id: "ws_1",
    status: "completed",
    action: { type: "search", query: "weather" },
  },
  { ...mcpCall, id: "mcp_1", name: "look_up", output: "mild" },
  {
    ...mcpCall,
    id: "mcp_2",
    name: "pay",
    error: { type: "http_error", code: 500, message: "a secret" },
  },
  {
    type: "mcp_approval_request",
    id: "ask_1",
    server_label: "shop",
    name: "ship",
    arguments: "{}",
  },
  {
    type: "message",
    id: "msg_1",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "done", annotations: [] }],
  },
];
const response = {
  id: "resp_1",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "gpt-5",
  output,
  usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 },
};

/** The same answer as the events of a stream. */
function events(): string {
  const all = [
    { type: "response.created", response: { ...response, output: [] } },
    ...output.flatMap((item, output_index) => [
      {
        type: "response.output_item.added",
        output_index,
        item: { ...item, status: "in_progress" },
      },
      { type: "response.output_item.done", output_index, item },
    ]),
    { type: "response.completed", response },
  ];
  return all
    .map((event, sequence_number) => `data: ${JSON.stringify({ ...event, sequence_number })}\n\n`)
    .join("");
}

const provider: typeof fetch = async (_url, init) => {
  const { stream } = JSON.parse(String(init?.body)) as { stream?: boolean };
  return stream === true
    ? new Response(events(), { headers: { "content-type": "text/event-stream" } })
    : Response.json(response);
};

describe("tools that OpenAI runs, as its packages tell of them", () => {
  for (const sdk of sdks) {
    for (const way of ["generateText", "streamText"] as const) {
      test(`have their spans in ${way} of ai ${sdk.name}`, async () => {
        const openai = (sdk.name === "v7" ? createOpenAI : createOpenAIV6)({
          apiKey: "a secret",
          fetch: provider,
        });
        const tracing = recording();
        const functions = wrapped(tracing.telemetry, sdk);
        const parameters = {
          model: openai("gpt-5"),
          prompt: "p",
          tools: {
            web_search: openai.tools.webSearch(),
            mcp: openai.tools.mcp({ serverLabel: "shop", serverUrl: "https://shop.example" }),
          },
        };
        if (way === "generateText") await functions.generateText(parameters);
        else await functions.streamText(parameters).consumeStream();
        const tools = tracing.runtime.spans.slice(2);
        assert.deepEqual(
          tools.map(({ parentId, name, status, ended }) => [parentId, name, status, ended]),
          [
            [2, "execute_tool web_search", "unset", true],
            [2, "execute_tool mcp.look_up", "unset", true],
            [2, "execute_tool mcp.pay", "error", true],
            [2, "execute_tool mcp.ship", "unset", true],
            [6, "tool_approval mcp.ship", "unset", true],
          ],
        );
        assert.equal(attributesOf(tools[2])["error.type"], "tool_error");
        assert.doesNotMatch(JSON.stringify(tools.map(attributesOf)), /secret/);
        assert.equal(tracing.count("swallowed_errors"), 0);
      });
    }
  }
});
