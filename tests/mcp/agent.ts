// A Worker whose agent uses two MCP servers: one in the same Worker, and one of the Worker of stock.ts.
import "../../dist/otlp/index.js";
import "../../dist/metrics/index.js";
import { createMCPClient } from "@ai-sdk/mcp";
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpTransportV2,
  InMemoryTransport as InMemoryTransportV2,
} from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpTransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTransport as InMemoryTransportV1 } from "@modelcontextprotocol/sdk/inMemory.js";
import { CreateMessageRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import * as ai from "ai";
import { z } from "zod";
import { TelemetryAggregator } from "../../dist/aggregate/index.js";
import { wrapAISDK } from "../../dist/ai/index.js";
import { tracer, withTelemetry } from "../../dist/index.js";
import { traceMCPClient, traceMCPServer } from "../../dist/mcp/index.js";
import { answer, modelOf, textParts } from "../workerd/apps/ai_sdk/models.ts";
import { options, type TelemetryEnv } from "./options.ts";
import { type Stock, serverV1, serverV2 } from "./servers.ts";

export { TelemetryAggregator };

interface Env extends TelemetryEnv {
  readonly STOCK: Fetcher;
}

const { generateText } = wrapAISDK(ai);

type Client = ClientV1;

const info = { name: "shop", version: "1.0.0" };
const capabilities = { capabilities: { sampling: {} } };
const thought = { role: "assistant" as const, model: "m", content: { type: "text", text: "So." } };

/** Returns a client that answers the server's requests. Version 2 of the SDK has the same methods. */
function newClient(version: string): Client {
  if (version === "v2") {
    const client = traceMCPClient(new ClientV2(info, capabilities));
    client.setRequestHandler("sampling/createMessage", () => thought as never);
    return client as unknown as Client;
  }
  const client = traceMCPClient(new ClientV1(info, capabilities));
  client.setRequestHandler(CreateMessageRequestSchema, () => thought as never);
  return client;
}

/** Connects to a server in this Worker. */
async function connectInside(client: Client, version: string, stock: Stock = {}): Promise<void> {
  const [near, far] =
    version === "v2"
      ? InMemoryTransportV2.createLinkedPair()
      : InMemoryTransportV1.createLinkedPair();
  const server = version === "v2" ? serverV2(stock) : serverV1(stock);
  await traceMCPServer(server, { storeTools: true }).connect(far as never);
  await client.connect(near as never);
}

/** Connects to a server of the other Worker. */
async function connectOutside(client: Client, version: string, { STOCK }: Env, path: string) {
  const url = new URL(`http://stock.example${path}`);
  const fetch = ((...args: Parameters<Fetcher["fetch"]>) => STOCK.fetch(...args)) as never;
  const transport =
    version === "v2" ? new HttpTransportV2(url, { fetch }) : new HttpTransportV1(url, { fetch });
  await client.connect(transport as never);
}

/** Calls a tool. The versions of the SDK take the options at different places. */
function call(client: Client, name: string, input: object, options?: object): Promise<unknown> {
  const request = { name, arguments: input };
  const places = client instanceof ClientV1 ? [undefined, options] : [options];
  return Reflect.apply(client.callTool, client, [request, ...places]) as Promise<unknown>;
}

const calls: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
  add: (client) => call(client, "add", { a: 2, b: 3 }),
  fail: (client) => call(client, "fail", {}),
  missing: (client) => client.request({ method: "nothing/here" }, z.looseObject({})),
  steps: async (client) => {
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
    await call(client, "steps", { count: 3 }, { onprogress });
    return seen;
  },
  think: (client) => call(client, "think", {}),
  prompt: (client) => client.getPrompt({ name: "greeting", arguments: { language: "Latin" } }),
  resource: (client) => client.readResource({ uri: "stock://list" }),
  list: async (client) => (await client.listTools()).tools.length,
  ping: (client) => client.ping(),
  timeout: (client) => call(client, "slow", {}, { timeout: 50 }),
};

async function run(version: string, place: string, name: string, env: Env): Promise<unknown> {
  const client = newClient(version);
  const stop = new AbortController();
  let isSlow = () => {};
  const started = new Promise<void>((resolve) => {
    isSlow = resolve;
  });
  const onSlow = () => {
    isSlow();
    if (name === "abort") stop.abort(new Error("no longer needed"));
  };
  if (place === "inside") await connectInside(client, version, { onSlow });
  else await connectOutside(client, version, env, place === "mcp" ? "/mcp" : `/session/${place}`);
  try {
    if (name === "abort") {
      return await call(client, "slow", {}, { signal: stop.signal });
    }
    if (name === "close") {
      const pending = call(client, "slow", {});
      await started;
      await client.close();
      return await pending;
    }
    return await calls[name]?.(client);
  } catch (cause) {
    return String((cause as Error).message);
  } finally {
    await client.close();
  }
}

/** An agent that calls a tool of each server. */
async function agent(url: URL, env: Env): Promise<unknown> {
  const inside = newClient("v1");
  await connectInside(inside, "v1");
  const outside = traceMCPClient(
    await createMCPClient({
      transport: {
        type: "http",
        url: "http://stock.example/mcp",
        // The default, "error", is refused by the Workers runtime.
        redirect: "follow",
        fetch: ((...args: Parameters<Fetcher["fetch"]>) => env.STOCK.fetch(...args)) as never,
      },
    }),
    { separateToolSpans: url.pathname === "/agent/separate" },
  );
  const asked = (toolName: string, input: object) => ({
    type: "tool-call" as const,
    toolCallId: toolName,
    toolName,
    input: JSON.stringify(input),
  });
  const model = modelOf(
    () => answer([asked("add", { a: 2, b: 3 }), asked("fail", {})]),
    () => answer(textParts(2)),
  );
  const add = ai.dynamicTool({
    inputSchema: ai.jsonSchema({ type: "object" }),
    execute: (input) =>
      inside.callTool({ name: "add", arguments: input as Record<string, unknown> }),
  });
  const tools = { ...(await outside.tools()), add } as ai.ToolSet;
  const { text } = await generateText({ model, prompt: "Go.", tools, stopWhen: ai.isStepCount(5) });
  await outside.close();
  await inside.close();
  return text;
}

export default withTelemetry(
  {
    async fetch(request, env) {
      const url = new URL(request.url);
      if (url.pathname.startsWith("/agent")) return Response.json(await agent(url, env));
      if (url.pathname === "/diagnostics") return Response.json(tracer.diagnostics());
      const [, version = "", place = "", name = ""] = url.pathname.split("/");
      return Response.json((await run(version, place, name, env)) ?? null);
    },
  } satisfies ExportedHandler<Env>,
  options,
);
