// What transports, servers and callers do besides sending a request and getting its answer.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Operation, Profile } from "../../../bindings/core/abi.gen.ts";
import { traceMCPClient } from "../../../bindings/mcp/index.ts";
import { type MCPTelemetryOptions, readSettings } from "../../../bindings/mcp/options.ts";
import { type MCPTransport, traceTransport } from "../../../bindings/mcp/traced_transport.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { followTools, runInTool } from "../../../bindings/trace/tool_span.ts";
import { activateSpan } from "../../../bindings/trace/tracer.ts";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { exportingOver, received } from "../support/exporting.ts";
import { attributesOf, recording, spanNamed } from "../support/tracing.ts";

const receiver = await receiverOfFile();

type Handler = (message: unknown, extra?: unknown) => unknown;

class Transport {
  readonly sent: unknown[] = [];
  onmessage?: Handler | undefined;
  onclose?: () => void;

  async send(message: unknown): Promise<void> {
    this.sent.push(message);
  }
}

const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "add" } };
const answer = { jsonrpc: "2.0", id: 1, result: {} };

function traced<T extends object>(
  transport: T,
  side: "client" | "server" = "client",
  options: MCPTelemetryOptions = {},
) {
  const tracing = recording();
  traceTransport(tracing.telemetry, readSettings(options), side, transport as never);
  (transport as Transport).onmessage ??= () => {};
  return { ...tracing, transport: transport as T & Transport };
}

const endings = ({ runtime }: ReturnType<typeof traced>) => runtime.spans.map(({ ended }) => ended);

describe("requests and answers", () => {
  test("belong together if the id is a number in one and its text in the other", async () => {
    const tracing = traced(new Transport());
    await tracing.transport.send(call);
    tracing.transport.onmessage?.({ ...answer, id: "1" });
    assert.deepEqual(endings(tracing), [true]);
    assert.equal(spanNamed(tracing, "tools/call add").status, "unset");
  });

  test("with one id, from several clients, all end", async () => {
    const tracing = traced(new Transport(), "server");
    for (let i = 0; i < 5; i += 1) tracing.transport.onmessage?.({ ...call });
    for (let i = 0; i < 4; i += 1) await tracing.transport.send({ ...answer });
    assert.deepEqual(endings(tracing), [true, true, true, true, false]);
    tracing.transport.onclose = () => {};
    tracing.transport.onclose();
    assert.deepEqual(endings(tracing), [true, true, true, true, true]);
  });

  test("that the transport sends again through its own method are one operation", async () => {
    class Retrying extends Transport {
      #isAuthorized = false;

      override async send(message: unknown): Promise<void> {
        if (this.#isAuthorized) return super.send(message);
        this.#isAuthorized = true;
        await Promise.resolve();
        return this.send(message);
      }
    }
    const tracing = traced(new Retrying());
    await tracing.transport.send(call);
    assert.equal(tracing.transport.sent.length, 1);
    tracing.transport.onmessage?.(answer);
    assert.deepEqual(endings(tracing), [true]);
    // The same message, sent again by its owner.
    await tracing.transport.send(call);
    assert.deepEqual(endings(tracing), [true, false]);
  });

  test("that a handler passes on later, or as a copy, are one operation", async () => {
    const tracing = traced(new Transport(), "server");
    const { transport } = tracing;
    const seen: unknown[] = [];
    transport.onmessage = (message) => seen.push(message);
    const first = transport.onmessage;
    transport.onmessage = async (message, extra) => {
      await Promise.resolve();
      first?.({ ...(message as object) }, extra);
    };
    await transport.onmessage(call);
    await transport.send(answer);
    assert.equal(seen.length, 1);
    assert.deepEqual(endings(tracing), [true]);
  });

  test("of a class of their own are sent as they are", async () => {
    class Secret {
      readonly hidden = "secret";
      toJSON() {
        return { name: "add" };
      }
    }
    const { telemetry, tracer, spans } = exportingOver(noopRuntime, receiver);
    const transport = new Transport();
    traceTransport(telemetry, readSettings(), "client", transport as unknown as MCPTransport);
    await tracer.withSpan("around", {}, async () => {
      await transport.send({ ...call, params: new Secret() });
      await transport.send({ ...call, params: { _meta: { tracestate: "mine=1" } } });
      await transport.send(call);
    });
    const [own, stated, plain] = transport.sent.map((message) => JSON.stringify(message));
    assert.equal(own, JSON.stringify({ ...call, params: { name: "add" } }));
    assert.ok(!String(stated).includes("traceparent"));
    assert.ok(String(plain).includes("traceparent"));
    await spans();
  });
});

describe("texts that the other side chooses", () => {
  test("are cut", () => {
    const tracing = traced(new Transport(), "server", { storePrompts: true });
    const long = "x".repeat(100_000);
    const given = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${i}${long}`, long]));
    const params = { name: long, arguments: given };
    tracing.transport.onmessage?.({ ...call, id: long, method: "prompts/get", params });
    void tracing.transport.send({
      ...answer,
      id: long,
      error: { code: -32603 },
      result: undefined,
    });
    const attributes = attributesOf(tracing.runtime.spans[0]);
    for (const [key, value] of Object.entries(attributes)) {
      assert.ok(key.length <= 1100 && String(value).length <= 1024, key.slice(0, 40));
    }
    const variables = Object.keys(attributes).filter((key) => key.includes("variable"));
    assert.equal(variables.length, 64);
    assert.equal(attributes["rpc.status_code"], "-32603");
  });

  test("are redacted on the span of a tool too, which keeps its own content", async () => {
    const redact = (key: string, value: string) => `${key} of ${value.length}`;
    const { transport, ...tracing } = traced(new Transport(), "client", {
      redact,
      storeTools: true,
    });
    Object.assign(transport, { sessionId: "session" });
    const options = { operation: Operation.executeTool, profile: Profile.agents, bounded: false };
    followTools();
    await activateSpan(tracing.telemetry, "tool", options, async (span) => {
      assert.ok(span !== undefined);
      const params = { name: "add", arguments: { a: 1 } };
      await runInTool({ name: "add", span }, () => transport.send({ ...call, params }));
      transport.onmessage?.({ ...answer, result: { content: [] } });
      span.finish();
    });
    const attributes = attributesOf(spanNamed(tracing, "tool"));
    assert.equal(attributes["mcp.session.id"], "mcp.session.id of 7");
    assert.equal(attributes["mcp.method.name"], "mcp.method.name of 10");
    assert.equal(attributes["gen_ai.tool.call.result"], undefined);
    assert.equal(attributes["gen_ai.tool.call.arguments"], undefined);
  });
});

describe("a tool of the AI SDK", () => {
  const options = { operation: Operation.executeTool, profile: Profile.agents, bounded: false };

  test("that has returned is not extended by a call that it left behind", async () => {
    const { transport, telemetry, runtime } = traced(new Transport());
    followTools();
    await activateSpan(telemetry, "tool", options, async (span) => {
      assert.ok(span !== undefined);
      await runInTool({ name: "add", span }, async () => {
        span.finish();
        await transport.send(call);
      });
    });
    assert.deepEqual(
      runtime.spans.map(({ name, attributes }) => [name, attributes.has("mcp.method.name")]),
      [
        ["tool", false],
        ["tools/call add", true],
      ],
    );
  });

  test("is not extended by the calls of a server that it calls in the same isolate", async () => {
    const { transport: far, telemetry, runtime } = traced(new Transport());
    const server = new Transport();
    traceTransport(telemetry, readSettings(), "server", server as unknown as MCPTransport);
    server.onmessage = () => far.send(call);
    followTools();
    await activateSpan(telemetry, "tool", options, async (span) => {
      assert.ok(span !== undefined);
      const inner = { ...call, params: { name: "get" } };
      await runInTool({ name: "add", span }, () => server.onmessage?.(inner) as Promise<void>);
      span.finish();
    });
    assert.deepEqual(
      runtime.spans.map(({ name, parentId }) => [name, parentId]),
      [
        ["tool", 0],
        ["tools/call get", 1],
        ["tools/call add", 2],
      ],
    );
  });
});

describe("a message on a stream that a request has opened", () => {
  test("begins a trace once the span of that request has ended", async () => {
    const { telemetry, tracer, spans } = exportingOver(noopRuntime, receiver);
    let later = () => {};
    class Streaming extends Transport {
      override async send(message: unknown): Promise<void> {
        this.sent.push(message);
        const opened = new Promise<void>((resolve) => {
          later = resolve;
        });
        void opened.then(() =>
          this.onmessage?.({ jsonrpc: "2.0", id: 7, method: "roots/list", params: {} }),
        );
      }
    }
    const transport = new Streaming();
    traceTransport(telemetry, readSettings(), "client", transport as unknown as MCPTransport);
    transport.onmessage = () => {};
    await tracer.withSpan("request", {}, () => transport.send(call));
    transport.onmessage(answer);
    later();
    await new Promise((resolve) => setImmediate(resolve));
    await transport.send({ jsonrpc: "2.0", id: 7, result: {} });
    const all = await spans();
    const [asked, first] = [received(all, "roots/list"), received(all, "tools/call add")];
    assert.equal(asked.parentSpanId, "");
    assert.notEqual(asked.traceId, first.traceId);
    assert.deepEqual(asked.links, [[first.traceId, first.spanId]]);
  });
});

describe("an object that traceMCPClient", () => {
  test("cannot change is returned with a line on the console", (context) => {
    const lines = context.mock.method(console, "error", () => {});
    const warned = context.mock.method(console, "warn", () => {});
    const client = Object.freeze({ connect() {}, setRequestHandler() {}, callTool() {} });
    assert.equal(traceMCPClient(client), client);
    const all = [...lines.mock.calls, ...warned.mock.calls].map(({ arguments: [line] }) => line);
    assert.ok(
      all.some((line) => /is not traced over MCP, because it cannot be changed/.test(line)),
    );
  });

  test("gets, and that makes its transport while it connects, is traced", async () => {
    const transport = new Transport();
    const client = {
      transport: undefined as Transport | undefined,
      async connect() {
        this.transport = transport;
        await Promise.resolve();
      },
      setRequestHandler() {},
      callTool() {},
    };
    await traceMCPClient(client).connect();
    assert.ok(Object.hasOwn(transport, "send"));
  });
});

test("only the words of a timeout make an abort one", async () => {
  for (const [reason, isTimeout] of [
    ["McpError: MCP error -32001: Request timed out", true],
    ["SdkError: Request timed out", true],
    ["McpError: MCP error -32001: Maximum total timeout exceeded", true],
    ["TimeoutError: The operation was aborted due to timeout", true],
    ["Error: user left after the timeout dialog", false],
    ["Error: timed out of patience", false],
    ["", false],
  ] as const) {
    const tracing = traced(new Transport());
    await tracing.transport.send(call);
    const params = { requestId: 1, reason };
    await tracing.transport.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    const { "error.type": type } = attributesOf(spanNamed(tracing, "tools/call add"));
    assert.equal(type, isTimeout ? "timeout" : undefined, reason);
  }
});
