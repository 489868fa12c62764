// An agent that uses the MCP server of another agent over RPC and over HTTP, by the classes of the agents package.
import "../../../dist/otlp/index.js";
import "../../../dist/metrics/index.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { Agent, getAgentByName } from "agents";
import { McpAgent } from "agents/mcp";
import * as ai from "ai";
import { z } from "zod";
import { TelemetryAggregator } from "../../../dist/aggregate/index.js";
import { wrapAISDK } from "../../../dist/ai/index.js";
import { withTelemetry } from "../../../dist/index.js";
import { traceMCPClient, traceMCPServer } from "../../../dist/mcp/index.js";
import { options, type TelemetryEnv } from "../../mcp/options.ts";
import { answer, modelOf, textParts } from "../apps/ai_sdk/models.ts";
import { asDeployed } from "../harness/as_deployed.ts";

export { TelemetryAggregator };

interface Env extends TelemetryEnv {
  readonly SHOPPER: DurableObjectNamespace<ShopperClass>;
  readonly STOCK: DurableObjectNamespace<StockClass>;
}

const { generateText } = wrapAISDK(ai);

class StockClass extends McpAgent<Env> {
  override server = traceMCPServer(new McpServer({ name: "stock", version: "1.0.0" }));

  override async init(): Promise<void> {
    this.server.registerTool(
      "price",
      { description: "The price", inputSchema: { item: z.string() } },
      ({ item }) => {
        if (item === "gold") throw new RangeError("not for sale");
        return { content: [{ type: "text", text: `${item} costs 3` }] };
      },
    );
  }
}

class ShopperClass extends Agent<Env> {
  override onStart(): void {
    traceMCPClient(this.mcp);
    // A second call has no effect.
    traceMCPClient(this.mcp);
  }

  async shop(place: string, origin: string): Promise<unknown> {
    const { id } =
      place === "rpc"
        ? await this.addMcpServer("stock", this.env.STOCK as never)
        : await this.addMcpServer("stock", `${origin}/mcp`, {
            transport: { type: "streamable-http" },
          });
    const tools = this.mcp.getAITools();
    const [name = ""] = Object.keys(tools);
    const asked = (toolCallId: string, item: string) => ({
      type: "tool-call" as const,
      toolCallId,
      toolName: name,
      input: JSON.stringify({ item }),
    });
    const model = modelOf(
      () => answer([asked("1", "bread")]),
      () => answer([asked("2", "gold")]),
      () => answer(textParts(1)),
    );
    const { text } = await generateText({
      model,
      prompt: "Go.",
      tools: tools as ai.ToolSet,
      stopWhen: ai.isStepCount(5),
    });
    await this.removeMcpServer(id);
    return [name.replace(id.replaceAll("-", ""), "ID"), text];
  }
}

export const Stock = asDeployed(withTelemetry(StockClass, options));
export const Shopper = asDeployed(withTelemetry(ShopperClass, options));

const stock = StockClass.serve("/mcp", { binding: "STOCK" });

export default withTelemetry(
  {
    async fetch(request, env, ctx) {
      const { origin, pathname } = new URL(request.url);
      const [, route = "", place = ""] = pathname.split("/");
      if (route === "mcp") return stock.fetch(request, env, ctx);
      const shopper = await getAgentByName(env.SHOPPER as never, place);
      return Response.json(await (shopper as unknown as ShopperClass).shop(place, origin));
    },
  } satisfies ExportedHandler<Env>,
  options,
);
