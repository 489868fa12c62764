import { anyNumber, type Expectation } from "./expectations.ts";

export interface Scenario {
  readonly title: string;
  readonly path: string;
  /** The request and its sub-requests. */
  readonly invocations: number;
  readonly expectations: readonly Expectation[];
}

const agent = "invoke_agent weather-agent";
const chat = "chat scripted-1";
const lookup = "execute_tool lookup_weather";
const convert = "execute_tool convert_temperature";
const finishReason = "cloudflare.agents.response.finish_reason";
const canceled = "cloudflare.agents.canceled";

const identity = {
  "gen_ai.agent.name": "weather-agent",
  "gen_ai.provider.name": "scripted",
  "gen_ai.request.model": "scripted-1",
};

function usage(input: number, output: number): Record<string, number> {
  return { "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output };
}

function operation(parent: string, attributes: Expectation["attributes"]): Expectation {
  const own = { ...identity, "gen_ai.operation.name": "invoke_agent", ...attributes };
  return { name: agent, parent, count: 1, status: "unset", attributes: own };
}

function modelCall(attributes: Expectation["attributes"], count = 1): Expectation {
  const own = { ...identity, "gen_ai.operation.name": "chat", ...attributes };
  return { name: chat, parent: agent, count, status: "unset", attributes: own };
}

function providerRequests(count: number): Expectation[] {
  return [
    { name: "fetch", parent: chat, count },
    { name: "ScriptedProvider: POST /v1/chat", parent: "fetch", count },
  ];
}

function toolCall(name: string, attributes: Expectation["attributes"] = {}): Expectation {
  const tool = name.replace("execute_tool ", "");
  const own = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, ...attributes };
  return { name, parent: agent, count: 1, status: "unset", attributes: own };
}

const weatherRequest: Expectation[] = [
  { name: "fetch", parent: lookup, count: 1 },
  { name: "WeatherService: GET /current", parent: "fetch", count: 1 },
];

const bothTools: Expectation[] = [
  toolCall(lookup),
  ...weatherRequest,
  toolCall(convert),
  { name: "to_fahrenheit", parent: convert, count: 1, attributes: { "app.celsius": anyNumber } },
];

const question = encodeURIComponent("What is the weather in Lisbon?");

const streaming = {
  "gen_ai.request.stream": true,
  "gen_ai.response.time_to_first_chunk": anyNumber,
} as const;

export const scenarios: readonly Scenario[] = [
  {
    title: "generateText with two tools",
    path: `/chat?prompt=${question}`,
    invocations: 5,
    expectations: [
      operation("GET /chat", { ...usage(360, 78), [finishReason]: "stop" }),
      modelCall({ ...usage(100, 20), [finishReason]: "tool-calls" }),
      modelCall({ ...usage(120, 20), [finishReason]: "tool-calls" }),
      modelCall({ ...usage(140, 38), [finishReason]: "stop" }),
      ...providerRequests(3),
      ...bothTools,
    ],
  },
  {
    title: "streamText, read to its end",
    path: `/chat/stream?prompt=${question}`,
    invocations: 5,
    expectations: [
      operation("GET /chat/stream", { ...usage(360, 78), [finishReason]: "stop" }),
      modelCall({ ...streaming, [finishReason]: "tool-calls" }, 2),
      modelCall({ ...streaming, ...usage(140, 38), [finishReason]: "stop" }),
      ...providerRequests(3),
      ...bothTools,
    ],
  },
  {
    title: "streamText, aborted half-way",
    path: `/chat/stream?scenario=abort&prompt=${question}`,
    invocations: 5,
    expectations: [
      operation("GET /chat/stream", { ...usage(220, 40), [canceled]: true }),
      modelCall({ ...streaming, [finishReason]: "tool-calls" }, 2),
      modelCall({ ...streaming, [canceled]: true }),
      ...providerRequests(3),
      ...bothTools,
    ],
  },
  {
    title: "generateText with a tool that fails",
    path: `/chat?scenario=failing-tool&prompt=${question}`,
    invocations: 4,
    expectations: [
      operation("GET /chat", { ...usage(220, 58), [finishReason]: "stop" }),
      modelCall({ [finishReason]: "tool-calls" }),
      modelCall({ [finishReason]: "stop" }),
      ...providerRequests(2),
      { ...toolCall(lookup, { "error.type": "WeatherUnavailable" }), status: "error" },
      ...weatherRequest,
    ],
  },
];
