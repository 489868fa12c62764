import { McpServer as ServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { McpServer as ServerV2 } from "@modelcontextprotocol/server";
import { z } from "zod";

/** The tools, prompts and resources of every server in these tests. */
export interface Stock {
  /** Called when the tool `slow` has started. */
  readonly onSlow?: () => void;
}

type Server = ServerV1 | ServerV2;

const text = (value: string) => ({ content: [{ type: "text" as const, text: value }] });

/** Registers what the tests call. The two versions of the SDK differ in the context that they pass to a tool. */
function stocked(server: Server, { onSlow }: Stock): void {
  // The overloads of the two versions cannot be called through their union.
  const { registerTool } = server as ServerV1;
  const tool = (
    name: string,
    shape: Record<string, z.ZodType>,
    run: (...args: never[]) => unknown,
  ) =>
    Reflect.apply(registerTool, server, [
      name,
      { description: name, inputSchema: server instanceof ServerV1 ? shape : z.object(shape) },
      run,
    ]);
  tool("add", { a: z.number(), b: z.number() }, ({ a, b }: { a: number; b: number }) =>
    text(String(a + b)),
  );
  tool("fail", {}, () => {
    throw new RangeError("out of stock");
  });
  tool("slow", {}, () => {
    onSlow?.();
    return new Promise(() => {});
  });
  tool("steps", { count: z.number() }, async ({ count }: { count: number }, context: Context) => {
    const { progressToken } = context._meta ?? context.mcpReq?._meta ?? {};
    const notify = context.sendNotification ?? context.mcpReq?.notify;
    for (let progress = 1; progress <= count && progressToken !== undefined; progress += 1) {
      await notify?.({
        method: "notifications/progress",
        params: { progressToken, progress, total: count },
      });
    }
    return text(`${count} steps`);
  });
  tool("think", {}, async () => {
    const params = {
      messages: [{ role: "user" as const, content: { type: "text" as const, text: "Why?" } }],
      maxTokens: 9,
    };
    const asked = await (server as ServerV1).server.createMessage(params);
    return text(JSON.stringify(asked.content));
  });
  const { registerPrompt, registerResource } = server as ServerV1;
  const shape = { language: z.string() };
  Reflect.apply(registerPrompt, server, [
    "greeting",
    { argsSchema: server instanceof ServerV1 ? shape : z.object(shape) },
    ({ language }: { language: string }) => ({
      messages: [{ role: "user", content: { type: "text", text: `Say hello in ${language}` } }],
    }),
  ]);
  Reflect.apply(registerResource, server, [
    "list",
    "stock://list",
    {},
    () => ({ contents: [{ uri: "stock://list", text: "apples" }] }),
  ]);
}

interface Context {
  readonly _meta?: { readonly progressToken?: string | number };
  readonly sendNotification?: (notification: object) => Promise<void>;
  readonly mcpReq?: {
    readonly _meta?: { readonly progressToken?: string | number };
    readonly notify?: (notification: object) => Promise<void>;
  };
}

export function serverV1(stock: Stock = {}): ServerV1 {
  const server = new ServerV1({ name: "stock", version: "1.0.0" });
  stocked(server, stock);
  return server;
}

export function serverV2(stock: Stock = {}): ServerV2 {
  const server = new ServerV2({ name: "stock", version: "1.0.0" });
  stocked(server, stock);
  return server;
}
