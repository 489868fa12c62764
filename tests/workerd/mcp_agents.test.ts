import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { mcpViolations } from "../conformance/support/mcp.ts";
import { type LocalWorker, startWorkers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";

let receiver: Receiver;
let app: LocalWorker;
before(async () => {
  receiver = await startReceiver();
  process.env["X_LOCAL_OBSERVABILITY"] = "false";
  const objects = { TELEMETRY: "TelemetryAggregator", SHOPPER: "Shopper", STOCK: "Stock" };
  const signals = ["traces"];
  app = await startWorkers([
    {
      name: "shop",
      main: "tests/workerd/agents/mcp.ts",
      durable_objects: {
        bindings: Object.entries(objects).map(([name, class_name]) => ({ name, class_name })),
      },
      migrations: [{ tag: "v1", new_sqlite_classes: Object.values(objects) }],
      vars: { OTLP: JSON.stringify({ backend: "custom", endpoint: receiver.url, signals }) },
    },
  ]);
});
after(async () => {
  await app.close();
  await receiver.close();
});

/** `child < parent` lines of the spans of MCP and of the tools of the AI SDK. */
function lines(spans: readonly ReceivedItem[]): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .filter(({ attributes }) => attributes["mcp.method.name"] !== undefined)
    .map(({ name, parentSpanId, status, attributes }) => {
      const error = status === 2 ? ` ${attributes["error.type"]}` : "";
      const line = `${name}${error} < ${names.get(parentSpanId)}`;
      // The package puts an id of its own before the names of tools.
      return line.replace(/tool_[\w-]+?_price/g, "tool_ID_price");
    })
    .sort();
}

const twice = (method: string) => [`${method} < ${method}`, `${method} < ShopperClass/shop`];

describe("an agent of the agents package and an McpAgent are one tree", () => {
  for (const [place, handshake] of [
    // The McpAgent has no such method, and the client then initializes a session.
    ["rpc", ["server/discover -32601 < ShopperClass/shop", "server/discover < server/discover"]],
    // It is refused before it reaches the server.
    ["http", ["server/discover SdkHttpError < ShopperClass/shop"]],
  ] as const) {
    test(`over ${place}`, async () => {
      receiver.requests.length = 0;
      const response = await app.fetch(`/ask/${place}`);
      assert.deepEqual(await response.json(), ["tool_ID_price", "chunk0 "]);
      const path = `/ask/${place}`;
      await receiver.item("the request", ({ attributes }) => attributes["url.path"] === path);
      const invocation = await receiver.item(
        "the agent",
        ({ name }) => name === "ShopperClass/shop",
      );
      const spans = receiver.requests
        .flatMap(({ items }) => items)
        .filter(({ traceId }) => traceId === invocation.traceId);
      assert.deepEqual(
        lines(spans),
        [
          ...handshake,
          ...twice("initialize"),
          ...twice("notifications/initialized"),
          ...twice("tools/list"),
          "execute_tool tool_ID_price < invoke_agent",
          // The package makes an exception of a result that is an error.
          "execute_tool tool_ID_price Error < invoke_agent",
          "tools/call price < execute_tool tool_ID_price",
          "tools/call price tool_error < execute_tool tool_ID_price",
        ].sort(),
      );
      for (const span of spans) {
        const { kind, status, attributes } = span;
        if (attributes["mcp.method.name"] === undefined || kind === 1) continue;
        const seen = { ...span, status: status === 2 ? "error" : "unset" };
        const side = kind === 3 ? "client" : "server";
        assert.deepEqual(mcpViolations(seen as never, side), [], span.name);
      }
    });
  }
});
