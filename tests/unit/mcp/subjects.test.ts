import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Operation, Profile } from "../../../bindings/core/abi.gen.ts";
import { traceMCPClient, traceMCPServer } from "../../../bindings/mcp/index.ts";
import { readSettings } from "../../../bindings/mcp/options.ts";
import { type MCPTransport, traceTransport } from "../../../bindings/mcp/traced_transport.ts";
import { followTools, runInTool } from "../../../bindings/trace/tool_span.ts";
import { activateSpan } from "../../../bindings/trace/tracer.ts";
import { newClient } from "../../mcp/recorded_pair.ts";
import { serverV1, serverV2 } from "../../mcp/servers.ts";
import { attributesOf, recording, spanNamed } from "../support/tracing.ts";

test("a manager's connections are traced, those of later and those with a new client too", () => {
  const isTraced = (client: object) => Object.hasOwn(client, "connect");
  const first = { client: newClient("v1") };
  const manager = traceMCPClient({ mcpConnections: { first } as Record<string, typeof first> });
  traceMCPClient(manager);
  const later = { client: newClient("v2") };
  manager.mcpConnections["later"] = later;
  assert.equal(manager.mcpConnections["later"], later);
  assert.deepEqual(Object.keys(manager.mcpConnections), ["first", "later"]);
  for (const connection of [first, later]) {
    assert.ok(isTraced(connection.client));
    const renewed = newClient("v1");
    connection.client = renewed;
    assert.equal(connection.client, renewed);
    assert.ok(isTraced(renewed));
  }
  delete manager.mcpConnections["first"];
  assert.deepEqual(Object.keys(manager.mcpConnections), ["later"]);
});

describe("what is no client or server", () => {
  for (const [what, value, shape] of [
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
    ["a promise", Promise.resolve(1), "a promise; await it first"],
    ["a text", "secret", "a string of 6 characters"],
    ["another object", new (class Shop {})(), "an object of the class Shop"],
    ["an object without a class", Object.create(null), "an object"],
  ] as const) {
    test(`${what} is refused by its shape`, () => {
      for (const [trace, name] of [
        [traceMCPClient, "traceMCPClient"],
        [traceMCPServer, "traceMCPServer"],
      ] as const) {
        assert.throws(
          () => trace(value as never),
          (error: Error) => {
            assert.ok(error instanceof TypeError);
            assert.ok(error.message.startsWith(`isotel/mcp: ${name} got ${shape}; it takes`));
            assert.ok(!error.message.includes("secret"));
            return true;
          },
        );
      }
    });
  }

  test("a server is no client, and a client is no server", () => {
    for (const version of ["v1", "v2"] as const) {
      assert.throws(() => traceMCPServer(newClient(version)), /traceMCPServer got an object/);
    }
    for (const server of [serverV1(), serverV2(), serverV1().server, serverV2().server]) {
      assert.throws(() => traceMCPClient(server), /traceMCPClient got an object/);
      assert.equal(traceMCPServer(server), server);
    }
  });

  for (const [options, problem] of [
    [null, /the options are null/],
    [{ storeTools: 1 }, /storeTools is the number 1; it has to be true or false/],
    [{ storePrompts: "yes" }, /storePrompts is a string of 3 characters/],
    [{ recordErrors: {} }, /recordErrors is an object/],
    [{ separateToolSpans: null }, /separateToolSpans is null/],
    [
      { incomingContext: "trust" },
      /incomingContext is a string of 5 .*"continue", "link" or "ignore"/,
    ],
    [{ redact: "x" }, /redact is a string of 1 characters; it has to be a function/],
    [{ storeTool: true }, /no option "storeTool" .*nearest one is storeTools/],
  ] as const) {
    test(`the options ${JSON.stringify(options)} are refused`, () => {
      assert.throws(() => readSettings(options as never), problem);
      assert.throws(() => traceMCPClient(newClient("v1"), options as never), problem);
    });
  }
});

type Handler = (message: unknown, extra?: unknown) => unknown;

/** A transport that keeps what it is given. */
class PlainTransport {
  readonly sent: unknown[] = [];
  onmessage?: Handler | undefined;
  onclose?: () => void;
  fails: unknown;

  async send(message: unknown): Promise<void> {
    this.sent.push(message);
    if (this.fails !== undefined) throw this.fails;
  }
}

/** Its handlers are computed by its class, as those of a transport around another one. */
class WrappingTransport {
  readonly inner = new PlainTransport();

  get onmessage(): Handler | undefined {
    return this.inner.onmessage;
  }

  set onmessage(handler: Handler | undefined) {
    this.inner.onmessage = handler;
  }

  send(message: unknown): Promise<void> {
    return this.inner.send(message);
  }
}

const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "add" } };
const answer = { jsonrpc: "2.0", id: 1, result: { content: [] } };

function traced<T extends object>(transport: T, options = {}) {
  const tracing = recording();
  traceTransport(
    tracing.telemetry,
    readSettings(options),
    "client",
    transport as unknown as MCPTransport,
  );
  return { ...tracing, transport };
}

describe("a transport", () => {
  test("is traced once, however often and by whichever copy it is given", async () => {
    const { transport, runtime, telemetry } = traced(new PlainTransport());
    traceTransport(telemetry, readSettings(), "client", transport as unknown as MCPTransport);
    await transport.send(call);
    assert.equal(runtime.spans.length, 1);
    assert.equal(transport.sent.length, 1);
  });

  test("whose class computes its handlers receives through them", async () => {
    const { transport, runtime, telemetry } = traced(new WrappingTransport());
    assert.ok(telemetry);
    const seen: unknown[] = [];
    transport.onmessage = (message) => seen.push(message);
    await transport.send(call);
    transport.inner.onmessage?.(answer);
    assert.deepEqual(seen, [answer]);
    assert.deepEqual(
      runtime.spans.map(({ ended }) => ended),
      [true],
    );
  });

  test("whose handler calls the one before it opens one span for a message", () => {
    const { transport, runtime } = traced(new PlainTransport());
    const seen: string[] = [];
    transport.onmessage = () => seen.push("first");
    const before = transport.onmessage;
    transport.onmessage = (message, extra) => {
      before?.(message, extra);
      seen.push("second");
    };
    transport.onmessage({ ...call, method: "ping", params: {} });
    assert.deepEqual(seen, ["first", "second"]);
    assert.equal(runtime.spans.length, 1);
  });

  test("whose handlers are saved and restored calls them once", () => {
    const { transport } = traced(new PlainTransport());
    let calls = 0;
    transport.onmessage = () => {
      calls += 1;
    };
    for (let i = 0; i < 20_000; i += 1) {
      const saved: unknown = transport.onmessage;
      transport.onmessage = undefined;
      transport.onmessage = saved as Handler;
    }
    transport.onmessage?.(answer);
    assert.equal(calls, 1);
  });

  test("keeps nothing of requests that were answered, failed, stopped or cancelled", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const { transport } = traced(new PlainTransport());
    transport.onmessage = () => {};
    const refs: WeakRef<object>[] = [];
    const stop = new AbortController();
    const send = transport.send as (message: unknown, options?: object) => Promise<void>;
    const exchange = async (id: number) => {
      const params = { name: "add", arguments: {} };
      refs.push(new WeakRef(params));
      transport.fails = id % 4 === 1 ? new Error("no") : undefined;
      const message = { ...call, id, params };
      const options = { signal: stop.signal };
      await send.call(transport, message, options).catch(() => {});
      if (id % 4 === 0) transport.onmessage?.({ ...answer, id });
      const cancelling = { jsonrpc: "2.0", method: "notifications/cancelled" };
      if (id % 4 === 2) await transport.send({ ...cancelling, params: { requestId: id } });
      if (id % 4 === 3) transport.onmessage?.({ jsonrpc: "2.0", id, error: { code: 1 } });
      transport.sent.length = 0;
    };
    for (let id = 0; id < 400; id += 1) await exchange(id);
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    const alive = refs.filter((ref) => ref.deref() !== undefined).length;
    assert.ok(alive < 40, `${alive} of 400 requests are kept`);
  });

  test("that is frozen works as before", async () => {
    const sent: unknown[] = [];
    const transport = Object.freeze({ send: async (message: unknown) => void sent.push(message) });
    const { runtime } = traced(transport);
    await transport.send(call);
    assert.deepEqual(sent, [call]);
    assert.equal(runtime.spans.length, 0);
  });

  test("passes on what is no message, and messages that cannot be read", async () => {
    const { transport, runtime, count } = traced(new PlainTransport());
    const hostile = {
      get method(): string {
        throw new Error("no");
      },
    };
    const odd = [undefined, null, 1, "ping", [call], {}, { id: {} }, { method: "" }, hostile];
    const seen: unknown[] = [];
    transport.onmessage = (message) => seen.push(message);
    for (const message of odd) {
      await transport.send(message);
      transport.onmessage(message);
    }
    assert.deepEqual(transport.sent, odd);
    assert.equal(seen.length, odd.length);
    assert.equal(runtime.spans.length, 0);
    assert.ok(count("swallowed_errors") > 0);
  });

  test("that fails to send gives its owner the error, and the span its type", async () => {
    const { transport, ...tracing } = traced(new PlainTransport());
    transport.fails = new RangeError("secret");
    await assert.rejects(transport.send(call), transport.fails as Error);
    const span = spanNamed(tracing, "tools/call add");
    assert.equal(span.status, "error");
    assert.equal(attributesOf(span)["error.type"], "RangeError");
    assert.ok(!JSON.stringify(attributesOf(span)).includes("secret"));
  });

  test("that times out while it sends fails its span as a timeout", async () => {
    const { transport, ...tracing } = traced(new PlainTransport());
    transport.fails = new DOMException("too late", "TimeoutError");
    await assert.rejects(transport.send(call), transport.fails as Error);
    assert.equal(attributesOf(spanNamed(tracing, "tools/call add"))["error.type"], "timeout");
  });

  test("answers a late or repeated answer without a second end", async () => {
    const { transport, runtime } = traced(new PlainTransport());
    transport.onmessage = () => {};
    await transport.send(call);
    transport.onmessage(answer);
    transport.onmessage(answer);
    transport.onmessage({ ...answer, id: 99 });
    assert.equal(runtime.spans.length, 1);
    assert.equal(runtime.spans[0]?.lateWrites, 0);
  });

  test("records no content by default", async () => {
    const { transport, ...tracing } = traced(new PlainTransport());
    await transport.send({ ...call, params: { name: "add", arguments: { secret: 1 } } });
    assert.ok(
      !JSON.stringify(attributesOf(spanNamed(tracing, "tools/call add"))).includes("secret"),
    );
  });
});

describe("calls inside a tool of the AI SDK", () => {
  const options = { operation: Operation.executeTool, profile: Profile.agents, bounded: false };

  /** Sends calls inside the span of a tool. Returns `name < parent, whether it has attributes of MCP` of all spans. */
  async function insideTool(name: string, names: readonly string[], settings = {}) {
    const { transport, telemetry, runtime } = traced(new PlainTransport(), settings);
    followTools();
    await activateSpan(telemetry, "execute_tool", options, (span) => {
      assert.ok(span !== undefined);
      return runInTool({ name, span }, async () => {
        for (const [index, tool] of names.entries()) {
          await transport.send({ ...call, id: index, params: { name: tool } });
        }
        span.finish();
      });
    });
    return runtime.spans.map(
      (span) => `${span.name} < ${span.parentId}, ${span.attributes.has("mcp.method.name")}`,
    );
  }

  test("extend its span if the name is that of the tool, the first of them", async () => {
    assert.deepEqual(await insideTool("add", ["add", "add"]), [
      "execute_tool < 0, true",
      "tools/call add < 1, true",
    ]);
    assert.deepEqual(await insideTool("tool_ab_add", ["add"]), ["execute_tool < 0, true"]);
  });

  test("have a span of their own if the name is another one, or on request", async () => {
    for (const name of ["sum", "readd", "ADD"]) {
      assert.deepEqual(await insideTool(name, ["add"]), [
        "execute_tool < 0, false",
        "tools/call add < 1, true",
      ]);
    }
    assert.deepEqual(await insideTool("add", ["add"], { separateToolSpans: true }), [
      "execute_tool < 0, false",
      "tools/call add < 1, true",
    ]);
  });
});

describe("an error as the answer", () => {
  const { mcp_rules } = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../conformance/data/gen-ai.json"), "utf8"),
  ) as { readonly mcp_rules: { readonly server_not_error_codes: readonly number[] } };
  const codes = [...mcp_rules.server_not_error_codes, -32603, -32000, -32001, -32042, 0, 1, 404];

  test("fails the span of the server unless the conventions blame the client", async () => {
    for (const code of codes) {
      const { transport, ...tracing } = traced(new PlainTransport());
      transport.onmessage = () => {};
      transport.onmessage(call);
      await transport.send({ jsonrpc: "2.0", id: 1, error: { code, message: "no" } });
      const span = spanNamed(tracing, "tools/call add");
      const isMistake = mcp_rules.server_not_error_codes.includes(code);
      assert.equal(span.status, isMistake ? "unset" : "error", String(code));
      const { "error.type": type, "rpc.status_code": status } = attributesOf(span);
      assert.deepEqual([type, status], [isMistake ? undefined : String(code), String(code)]);
    }
  });

  test("fails the span of the client whatever the code", async () => {
    for (const code of [...codes, undefined, 1.5, "text"]) {
      const { transport, ...tracing } = traced(new PlainTransport());
      transport.onmessage = () => {};
      await transport.send(call);
      transport.onmessage({ jsonrpc: "2.0", id: 1, error: { code, message: "no" } });
      const attributes = attributesOf(spanNamed(tracing, "tools/call add"));
      const shown = codes.includes(code as number) ? String(code) : undefined;
      assert.deepEqual(
        [attributes["error.type"], attributes["rpc.status_code"]],
        [shown ?? "_OTHER", shown],
      );
    }
  });
});

describe("content", () => {
  const redact = (key: string, value: string) =>
    key === "mcp.session.id" ? undefined : value.replaceAll("secret", "[x]");

  test("is recorded by the options, redacted, in the name too", async () => {
    const { transport, ...tracing } = traced(new PlainTransport(), {
      storeTools: true,
      storePrompts: true,
      recordErrors: true,
      redact,
    });
    Object.assign(transport, { sessionId: "s-1" });
    transport.onmessage = () => {};
    const params = { name: "find secret", arguments: { text: "my secret", list: ["secret"] } };
    await transport.send({ ...call, params });
    transport.onmessage({ ...answer, result: { content: ["secret"], isError: true } });
    const span = spanNamed(tracing, "tools/call find [x]");
    const { "gen_ai.tool.call.arguments": given, "gen_ai.tool.call.result": result } =
      attributesOf(span);
    assert.equal(given, '{"text":"my [x]","list":["[x]"]}');
    assert.equal(result, '{"content":["[x]"],"isError":true}');
    assert.equal(attributesOf(span)["mcp.session.id"], undefined);
    assert.equal(attributesOf(span)["error.type"], "tool_error");

    const prompt = { name: "greet", arguments: { who: "secret Ada", age: 3 } };
    await transport.send({ ...call, id: 2, method: "prompts/get", params: prompt });
    transport.onmessage({ jsonrpc: "2.0", id: 2, error: { code: -32603, message: "a secret" } });
    const asked = attributesOf(spanNamed(tracing, "prompts/get greet"));
    assert.equal(asked["gen_ai.prompt.variable.who"], "[x] Ada");
    assert.equal(asked["gen_ai.prompt.variable.age"], undefined);
    assert.equal(asked["exception.message"], "a [x]");
    assert.equal(asked["rpc.status_code"], "-32603");
    assert.equal(asked["error.type"], "-32603");
  });

  test("of any size leaves whole JSON", async () => {
    const { transport, ...tracing } = traced(new PlainTransport(), { storeTools: true });
    transport.onmessage = () => {};
    const long = { text: "ä".repeat(40_000) };
    await transport.send({ ...call, params: { name: "add", arguments: long } });
    transport.onmessage({ ...answer, result: long });
    const span = attributesOf(spanNamed(tracing, "tools/call add"));
    for (const key of ["gen_ai.tool.call.arguments", "gen_ai.tool.call.result"]) {
      const json = String(span[key]);
      assert.ok(Buffer.byteLength(json) <= 28 * 1024 && Buffer.byteLength(json) > 27 * 1024);
      assert.ok(JSON.parse(json));
    }
  });
});

describe("the network below a transport", () => {
  for (const [fields, expected] of [
    [{ _url: new URL("https://a.example/mcp") }, ["tcp", "http", "a.example", 443]],
    [{ url: "http://a.example:81/mcp?key=secret" }, ["tcp", "http", "a.example", 81]],
    [{ _url: new URL("wss://u:secret@a.example") }, ["tcp", "websocket", "a.example", 443]],
    [{ _serverParams: { command: "x" } }, ["pipe", undefined, undefined, undefined]],
    [{ url: "not an address" }, [undefined, undefined, undefined, undefined]],
    [{}, [undefined, undefined, undefined, undefined]],
  ] as const) {
    test(`is read from ${JSON.stringify(fields)}`, async () => {
      const { transport, ...tracing } = traced(Object.assign(new PlainTransport(), fields));
      await transport.send({ jsonrpc: "2.0", id: 1, method: "ping" });
      const span = attributesOf(spanNamed(tracing, "ping"));
      assert.deepEqual(
        ["network.transport", "network.protocol.name", "server.address", "server.port"].map(
          (key) => span[key],
        ),
        expected,
      );
    });
  }
});

describe("a request that is stopped", () => {
  for (const [what, reason, ending] of [
    ["by an abort", new Error("no longer needed"), "cancelled"],
    ["by a timeout", new DOMException("too late", "TimeoutError"), "timeout"],
    ["by a timeout of an SDK", new Error("Request timed out after 9ms"), "timeout"],
  ] as const) {
    test(`${what}, by the signal that goes with it`, async () => {
      const { transport, ...tracing } = traced(new PlainTransport());
      const stop = new AbortController();
      const send = transport.send as (message: unknown, options: object) => Promise<void>;
      await send.call(transport, call, { signal: stop.signal });
      stop.abort(reason);
      const span = spanNamed(tracing, "tools/call add");
      assert.equal(span.ended, true);
      assert.equal(
        attributesOf(span)["cloudflare.agents.canceled"] === true,
        ending === "cancelled",
      );
      assert.equal(attributesOf(span)["error.type"], ending === "timeout" ? "timeout" : undefined);
    });
  }
});
