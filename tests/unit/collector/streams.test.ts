import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { assertAccounted, collectingTo, play, recordedStream } from "../support/collecting.ts";
import { edges, received } from "../support/exporting.ts";

const receiver = await receiverOfFile();

describe("streams recorded from workerd", () => {
  test("custom spans stand in the tree of their invocation", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("spans"));
    const spans = await to.spans();
    assert.deepEqual(edges(spans), ["GET", "inner < outer", "outer < GET"]);
    assert.doesNotMatch(JSON.stringify(spans), /token=secret/);
    const { kind, attributes } = received(spans, "GET");
    assert.equal(kind, 2);
    const { "faas.invocation.id": id, "server.port": port, ...rest } = attributes;
    assert.match(String(id), /^[0-9a-f]{32}$/);
    assert.ok(Number(port) > 0);
    assert.deepEqual(rest, {
      "cloudflare.colo": "DFW",
      "cloudflare.cpu_time_ms": 0,
      "cloudflare.execution_model": "stateless",
      "cloudflare.handler_type": "fetch",
      "cloudflare.outcome": "ok",
      "cloudflare.wall_time_ms": 0,
      "faas.trigger": "http",
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "network.protocol.version": "1.1",
      "server.address": "127.0.0.1",
      "url.path": "/spans",
      "url.scheme": "http",
      "user_agent.original": "undici",
    });
    const outer = received(spans, "outer");
    assert.deepEqual(outer.attributes, { "app.tenant": "a", "app.count": 3, "app.flag": true });
    assertAccounted(to);
  });

  test("lines of the console are log records in the span they were written in", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("spans"));
    await to.collecting.flush();
    const logs = await to.logs();
    const outer = received(await to.spans(), "outer");
    assert.deepEqual(
      logs.map(({ name, spanId, traceId }) => [name, spanId, traceId]),
      [
        ['in outer {"of":["a",1]}', outer.spanId, outer.traceId],
        ["TypeError: a logged one", outer.spanId, outer.traceId],
      ],
    );
    assert.equal(logs[1]?.attributes["exception.type"], "TypeError");
    assert.equal(logs[1]?.attributes["exception.message"], "a logged one");
  });

  test("a Durable Object's invocations are in the tree of who called it", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("object"));
    const spans = await to.spans();
    assert.deepEqual(edges(spans), [
      "GET",
      "GET < fetch",
      "Room/join < jsRpcCall",
      "durable_object_storage_exec < GET",
      "durable_object_storage_exec < GET",
      "durable_object_subrequest < GET",
      "durable_object_subrequest < GET",
      "fetch < durable_object_subrequest",
      "in_room < GET",
      "join < jsRpcCall",
      "jsRpcCall < Room/join",
      "jsRpcCall < jsRpcSession",
      "jsRpcSession < durable_object_subrequest",
    ]);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    const kinds = spans.map(({ name, kind }) => `${name} ${kind}`);
    for (const kind of ["fetch 3", "jsRpcCall 3", "jsRpcCall 1", "Room/join 2", "join 1"]) {
      assert.ok(kinds.includes(kind), `${kind} in ${kinds.join(", ")}`);
    }
    const storage = spans.find(({ name }) => name === "durable_object_storage_exec");
    assert.equal(storage?.kind, 3);
    assert.equal(storage?.attributes["cloudflare.durable_object.response.rows_read"], 1);
    assertAccounted(to);
  });

  test("a queue's sender and consumer have their kinds", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("queue"));
    const spans = await to.spans();
    assert.deepEqual(edges(spans), [
      "GET",
      "job < process jobs",
      "process jobs",
      "queue_send < GET",
    ]);
    assert.equal(received(spans, "queue_send").kind, 4);
    assert.equal(received(spans, "process jobs").kind, 5);
    assertAccounted(to);
  });

  test("an exception is an event of its span, which has failed", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("exception"));
    const spans = await to.spans();
    const asks = received(spans, "asks");
    assert.deepEqual(
      [asks.events, asks.status, asks.attributes["error.type"]],
      [["exception"], 2, "TypeError"],
    );
    const room = spans.find(({ attributes }) => attributes["cloudflare.outcome"] === "exception");
    assert.deepEqual(
      [room?.events, room?.status, room?.attributes["error.type"]],
      [["exception"], 2, "RangeError"],
    );
    const outer = spans.find(({ parentSpanId }) => parentSpanId === "");
    assert.equal(outer?.status, 0);
    assertAccounted(to);
  });

  test("spans of the AI SDK have the kinds of their operations", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("ai"));
    const spans = await to.spans();
    const kinds = new Map(spans.map(({ name, kind }) => [name, kind]));
    assert.equal(kinds.get("chat scripted-1"), 3);
    assert.equal(kinds.get("execute_tool lookup_weather"), 1);
    assert.equal(kinds.get("invoke_agent"), 1);
    assert.equal(kinds.get("to_fahrenheit"), 1);
    assertAccounted(to);
  });
});
