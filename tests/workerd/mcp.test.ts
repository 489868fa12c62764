import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { mcpViolations } from "../conformance/support/mcp.ts";
import { metricViolations, type SeenFamily } from "../conformance/support/metrics.ts";
import { type LocalWorker, startWorkers, streamingTailConsumers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { edges } from "../unit/support/exporting.ts";
import { assertAllClosed } from "./harness/assertions.ts";
import { eventually } from "./harness/eventually.ts";

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

/** The agent of tests/mcp/agent.ts and the servers of tests/mcp/stock.ts, which export to the receiver. */
function start(hasNative: boolean): Promise<LocalWorker> {
  process.env["X_LOCAL_OBSERVABILITY"] = String(hasNative);
  const worker = (name: string, objects: readonly string[]) => ({
    name,
    main: `tests/mcp/${name}.ts`,
    durable_objects: {
      bindings: objects.map((object) => ({
        name: object === "TelemetryAggregator" ? "TELEMETRY" : object.toUpperCase(),
        class_name: object,
      })),
    },
    migrations: [{ tag: "v1", new_sqlite_classes: [...objects] }],
    streaming_tail_consumers: hasNative ? [...streamingTailConsumers] : [],
    vars: {
      OTLP: JSON.stringify({
        backend: "custom",
        endpoint: receiver.url,
        signals: ["traces"],
        serviceName: name,
      }),
    },
  });
  return startWorkers([
    {
      ...worker("agent", ["TelemetryAggregator"]),
      services: [{ binding: "STOCK", service: "stock" }],
    },
    worker("stock", ["TelemetryAggregator", "Session"]),
  ]);
}

const sides = new Map([
  [3, "client"],
  [2, "server"],
] as const);

type Side = "client" | "server";

/** Spans of MCP clients and servers. */
const ofMCP = (spans: readonly ReceivedItem[]): ReceivedItem[] =>
  spans.filter(({ kind, attributes }) => attributes["mcp.method.name"] !== undefined && kind !== 1);

/** Index of the first request that the current call may have caused. */
let from = 0;
const forget = () => {
  from = receiver.requests.length;
};

const allSpans = (): ReceivedItem[] => receiver.requests.slice(from).flatMap(({ items }) => items);

const sideOf = ({ kind }: ReceivedItem): Side => sides.get(kind as 2 | 3) as Side;

/** How a span ended: ok, its error.type, or cancelled. */
function endingOf({ status, attributes }: ReceivedItem): string {
  if (attributes["cloudflare.agents.canceled"] === true) return "cancelled";
  return status === 2 ? String(attributes["error.type"]) : "ok";
}

/** What a call of tests/mcp/agent.ts answers and how the spans of its client and its server end. */
interface Case {
  readonly span: string;
  readonly answer: unknown;
  readonly client: string;
  readonly server: string;
  /** Only inside one Worker: a server without a session cannot ask its client, and is not told of an abort. */
  readonly isLocal?: boolean;
}

const texts = (text: string, isError?: boolean) => ({
  content: [{ type: "text", text }],
  ...(isError === true && { isError }),
});

const cases: Readonly<Record<string, Case>> = {
  add: { span: "tools/call add", answer: texts("5"), client: "ok", server: "ok" },
  fail: {
    span: "tools/call fail",
    answer: texts("out of stock", true),
    client: "tool_error",
    server: "tool_error",
  },
  missing: { span: "nothing/here", answer: /Method not found/, client: "-32601", server: "ok" },
  steps: { span: "tools/call steps", answer: [1, 2, 3], client: "ok", server: "ok" },
  think: {
    span: "tools/call think",
    answer: texts(JSON.stringify({ type: "text", text: "So." })),
    client: "ok",
    server: "ok",
    isLocal: true,
  },
  prompt: { span: "prompts/get greeting", answer: /Latin/, client: "ok", server: "ok" },
  resource: { span: "resources/read", answer: /apples/, client: "ok", server: "ok" },
  list: { span: "tools/list", answer: 5, client: "ok", server: "ok" },
  ping: { span: "ping", answer: {}, client: "ok", server: "ok" },
  timeout: {
    span: "tools/call slow",
    answer: /timed out/,
    client: "timeout",
    server: "cancelled",
    isLocal: true,
  },
  abort: {
    span: "tools/call slow",
    answer: /no longer needed/,
    client: "cancelled",
    server: "cancelled",
    isLocal: true,
  },
  close: {
    span: "tools/call slow",
    answer: /[Cc]losed/,
    client: "connection_closed",
    server: "cancelled",
    isLocal: true,
  },
};

/** What an agent does with two servers: each call of a tool is one branch of the agent's tree. */
const agentTree = (remoteTool: string) => [
  "GET",
  "chat given-1 < invoke_agent",
  "chat given-1 < invoke_agent",
  "execute_tool add < invoke_agent",
  "execute_tool fail < invoke_agent",
  "initialize < GET",
  "initialize < initialize",
  "invoke_agent < GET",
  "notifications/initialized < GET",
  "notifications/initialized < notifications/initialized",
  "tools/call add < execute_tool add",
  ...(remoteTool === "tools/call fail" ? ["tools/call fail < execute_tool fail"] : []),
  `tools/call fail < ${remoteTool}`,
  "tools/list < GET",
  "tools/list < tools/list",
];

/** Spans of one trace, from the agent's request on. */
async function traceOf(path: string): Promise<ReceivedItem[]> {
  const root = await receiver.item(
    `invocation of ${path}`,
    ({ attributes }) => attributes["url.path"] === path,
  );
  return allSpans().filter(({ traceId }) => traceId === root.traceId);
}

describe("MCP without native tracing", () => {
  let app: LocalWorker;
  before(async () => {
    app = await start(false);
  });
  after(() => app.close());

  for (const [path, remoteTool] of [
    ["/agent", "execute_tool fail"],
    ["/agent/separate", "tools/call fail"],
  ] as const) {
    test(`an agent and its two servers are one tree, ${path}`, async () => {
      forget();
      const response = await app.fetch(path);
      assert.equal(await response.text(), '"chunk0 chunk1 "');
      await eventually(async () => {
        assert.deepEqual(edges(await traceOf(path)), agentTree(remoteTool).sort());
      });
      const spans = await traceOf(path);
      const tool = spans.find(({ name }) => name === "execute_tool fail");
      assert.equal(tool?.attributes["error.type"], "tool_error");
      const isMerged = remoteTool === "execute_tool fail";
      assert.equal(tool?.attributes["mcp.method.name"], isMerged ? "tools/call" : undefined);
      assert.equal(tool?.attributes["server.address"], isMerged ? "stock.example" : undefined);
      // The server's invocation is another trace, because a service binding carries no context by itself.
      const server = spans.find(({ name, kind }) => name === "tools/call fail" && kind === 2);
      const [[linked] = []] = server?.links ?? [];
      const invocation = allSpans().find(({ traceId }) => traceId === linked);
      assert.equal(invocation?.name, "POST");
    });
  }

  const names = new Set<string>();
  for (const version of ["v1", "v2"]) {
    for (const place of ["inside", "mcp", `session${version}`]) {
      test(`every call of SDK ${version} to ${place} has a span on both sides`, async () => {
        for (const [name, expected] of Object.entries(cases)) {
          if (expected.isLocal === true && place !== "inside") continue;
          forget();
          const path = `/${version}/${place === "inside" || place === "mcp" ? place : place + name}/${name}`;
          const answer: unknown = await (await app.fetch(path)).json();
          if (expected.answer instanceof RegExp) {
            assert.match(JSON.stringify(answer), expected.answer, path);
          } else assert.deepEqual(answer, expected.answer, path);
          const root = await receiver.item(
            `invocation of ${path}`,
            ({ attributes }) => attributes["url.path"] === path,
          );
          const isOf = (side: Side) => (span: ReceivedItem) =>
            span.name === expected.span && sideOf(span) === side && span.traceId === root.traceId;
          const client = await receiver.item(`client of ${path}`, isOf("client"));
          const server = await receiver.item(`server of ${path}`, isOf("server"));
          assert.deepEqual(
            [endingOf(client), endingOf(server)],
            [expected.client, expected.server],
            path,
          );
          assert.equal(server.parentSpanId, client.spanId, path);
          assert.equal(client.parentSpanId, root.spanId, path);
          for (const span of ofMCP(allSpans())) {
            names.add(`${sideOf(span)} ${span.name}`);
            const seen = { ...span, status: span.status === 2 ? "error" : "unset" };
            assert.deepEqual(
              mcpViolations(seen as never, sideOf(span)),
              [],
              `${path} ${span.name}`,
            );
          }
          if (name === "think") {
            const asked = allSpans().filter(({ name }) => name === "sampling/createMessage");
            const asking = asked.find(({ kind }) => kind === 3);
            assert.equal(asking?.parentSpanId, server.spanId);
            assert.equal(asked.find(({ kind }) => kind === 2)?.parentSpanId, asking?.spanId);
          }
          if (name === "missing") {
            assert.equal(server.attributes["rpc.status_code"], "-32601");
            assert.equal(client.attributes["rpc.status_code"], "-32601");
          }
          if (place !== "inside" && place !== "mcp") {
            assert.match(String(client.attributes["mcp.session.id"]), /^[\da-f-]{36}$/);
            assert.equal(server.attributes["mcp.session.id"], client.attributes["mcp.session.id"]);
          }
        }
      });
    }
  }

  test("metrics count what spans show, and their families are those of the conventions", async () => {
    from = 0;
    await eventually(async () => {
      const spans = new Map<string, number>();
      for (const span of allSpans()) {
        const { attributes, kind } = span;
        if (attributes["mcp.method.name"] === undefined) continue;
        // The metrics of cancelled operations have no error.type.
        const ending = endingOf(span);
        const key = [
          // The span of a tool stands for the client.
          kind === 1 ? "client" : sideOf(span),
          // A server has one label for all methods that it does not know.
          kind === 2 && attributes["rpc.status_code"] === "-32601"
            ? "_OTHER"
            : attributes["mcp.method.name"],
          attributes["gen_ai.tool.name"] ?? "",
          ending === "ok" || ending === "cancelled" ? "" : ending,
          attributes["network.transport"] ?? "",
        ].join(" ");
        spans.set(key, (spans.get(key) ?? 0) + 1);
      }
      assert.ok(spans.size > 20, `${spans.size} kinds of spans`);
      const counted = await counts();
      assert.deepEqual(sorted(counted), sorted(spans));
      // Each client that has initialized a session closes it.
      const begun = [...counted].filter(([key]) => key.startsWith("client initialize"));
      const ended = sessions.get("agent mcp.client.session.duration_seconds");
      assert.equal(
        ended,
        begun.reduce((sum, [, count]) => sum + count, 0),
      );
    }, 20_000);
  });

  /** Counts of sessions that ended, by Worker and family. */
  const sessions = new Map<string, number>();

  const sorted = (map: Map<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

  /** Counts of the operation metrics of both Workers, whose families are checked. */
  async function counts(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    sessions.clear();
    for (const worker of ["agent", "stock"]) {
      const response = await app.fetchFrom(worker, "/metrics", {
        headers: { accept: "application/json" },
      });
      const { families } = (await response.json()) as { families: readonly SeenFamily[] };
      for (const family of families.filter(({ name }) => name.startsWith("mcp"))) {
        assert.deepEqual(metricViolations(family, false), [], family.name);
        if (family.name.includes("session")) {
          const all = family.series.map(({ buckets }) => Number(buckets?.at(-1)?.[1]));
          sessions.set(
            `${worker} ${family.name}`,
            all.reduce((a, b) => a + b, 0),
          );
        }
        const [, side] = /^mcp\.(client|server)\.operation/.exec(family.name) ?? [];
        for (const { labels, buckets } of side === undefined ? [] : family.series) {
          const key = [
            side,
            labels["mcp.method.name"],
            labels["gen_ai.tool.name"] ?? "",
            labels["error.type"] ?? "",
            labels["network.transport"] ?? "",
          ].join(" ");
          const count = Number(buckets?.at(-1)?.[1]);
          found.set(key, (found.get(key) ?? 0) + count);
          if (labels["error.type"] !== "timeout") continue;
          // The timeout is 0.05 s. Values are seconds.
          const within = (seconds: number) =>
            buckets?.find(([bound]) => bound === seconds)?.[1] ?? Number.NaN;
          assert.deepEqual([within(0.01), within(30)], [0, count]);
        }
      }
    }
    return found;
  }

  test("each method of the tests was seen on both sides", () => {
    for (const { span } of Object.values(cases)) {
      assert.ok(names.has(`client ${span}`), span);
      assert.ok(names.has(`server ${span}`), span);
    }
  });
});

describe("MCP with native tracing", () => {
  let app: LocalWorker;
  before(async () => {
    app = await start(true);
  });
  after(() => app.close());

  test("the tree in the runtime is that of OTLP, across both Workers", async () => {
    forget();
    await app.fetch("/agent");
    const spans = await app.takeSpans({ timeoutMs: 30_000 });
    assertAllClosed(spans);
    const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
    const parentOf = (name: string) =>
      spans
        .filter((span) => span.name === name)
        .map(({ parentSpanId }) => names.get(String(parentSpanId)));
    assert.deepEqual(parentOf("execute_tool fail"), ["invoke_agent"]);
    assert.deepEqual(parentOf("tools/call add"), ["execute_tool add"]);
    // The runtime has no way to set a parent: the server's span is below the invocation of its request.
    assert.deepEqual(parentOf("tools/call fail"), ["POST /mcp"]);
    const inOtlp = allSpans().find(({ name }) => name === "tools/call fail");
    const tool = allSpans().find(({ name }) => name === "execute_tool fail");
    assert.equal(inOtlp?.parentSpanId, tool?.spanId);
  });
});
