import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type MCPTelemetryOptions, readSettings } from "../../../bindings/mcp/options.ts";
import { type MCPTransport, traceTransport } from "../../../bindings/mcp/traced_transport.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { exportingOver, received } from "../support/exporting.ts";

const receiver = await receiverOfFile();

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const sampled = `00-${traceId}-${spanId}-01`;

/** Receives a request with `_meta` inside a span of another trace. Returns the spans. */
async function receive(
  incomingContext: MCPTelemetryOptions["incomingContext"],
  meta: unknown,
  isInside = true,
) {
  const { telemetry, tracer, spans } = exportingOver(noopRuntime, receiver);
  const transport: MCPTransport = { send: async () => {}, onmessage: () => {} };
  traceTransport(
    telemetry,
    readSettings(incomingContext === undefined ? {} : { incomingContext }),
    "server",
    transport,
  );
  const request = { jsonrpc: "2.0", id: 1, method: "ping", params: { _meta: meta } };
  const body = async () => {
    transport.onmessage?.(request);
    await transport.send({ jsonrpc: "2.0", id: 1, result: {} });
  };
  await (isInside ? tracer.withSpan("around", {}, body) : body());
  return spans();
}

describe("the trace context of a received message", () => {
  test("is the parent by default, and the active span of another trace a link", async () => {
    const spans = await receive(undefined, { traceparent: sampled, tracestate: "a=b" });
    const [server, around] = [received(spans, "ping"), received(spans, "around")];
    assert.deepEqual([server.traceId, server.parentSpanId], [traceId, spanId]);
    assert.equal(server.traceState, "a=b");
    assert.deepEqual(server.links, [[around.traceId, around.spanId]]);
  });

  test("is the parent where no span is active", async () => {
    const server = received(await receive(undefined, { traceparent: sampled }, false), "ping");
    assert.deepEqual([server.traceId, server.parentSpanId], [traceId, spanId]);
    assert.deepEqual(server.links, []);
  });

  test("becomes a link on request", async () => {
    const spans = await receive("link", { traceparent: sampled });
    const [server, around] = [received(spans, "ping"), received(spans, "around")];
    assert.deepEqual([server.traceId, server.parentSpanId], [around.traceId, around.spanId]);
    assert.deepEqual(server.links, [[traceId, spanId]]);
    const alone = received(await receive("link", { traceparent: sampled }, false), "ping");
    assert.notEqual(alone.traceId, traceId);
    assert.equal(alone.parentSpanId, "");
    assert.deepEqual(alone.links, [[traceId, spanId]]);
  });

  test("is ignored on request", async () => {
    const spans = await receive("ignore", { traceparent: sampled });
    const [server, around] = [received(spans, "ping"), received(spans, "around")];
    assert.equal(server.parentSpanId, around.spanId);
    assert.deepEqual(server.links, []);
  });

  test("decides whether the span is recorded, unless it is only a link", async () => {
    const unsampled = { traceparent: `00-${traceId}-${spanId}-00` };
    const names = async (use?: "link") =>
      (await receive(use, unsampled)).map(({ name }) => name).sort();
    assert.deepEqual(await names(), ["around"]);
    assert.deepEqual(await names("link"), ["around", "ping"]);
  });

  test("that is invalid changes nothing", async () => {
    const long = "0".repeat(100_000);
    for (const meta of [
      null,
      [],
      "text",
      7,
      {},
      { traceparent: 1 },
      { traceparent: [sampled] },
      { traceparent: long },
      { traceparent: `00-${"0".repeat(32)}-${spanId}-01` },
      { traceparent: `ff-${traceId}-${spanId}-01` },
    ]) {
      const spans = await receive(undefined, meta);
      const [server, around] = [received(spans, "ping"), received(spans, "around")];
      assert.equal(server.parentSpanId, around.spanId, JSON.stringify(meta)?.slice(0, 80));
      assert.deepEqual(server.links, []);
    }
  });
});
