import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { edges, received } from "../unit/support/exporting.ts";
import { type AppOptions, startApp } from "./harness/app.ts";
import { spanNamed } from "./harness/assertions.ts";
import { pause, settledCounts } from "./harness/export_counts.ts";

const objects = {
  compatibility_flags: ["nodejs_compat", "service_binding_extra_handlers"],
  services: [{ binding: "SELF", service: "otlp" }],
  durable_objects: { bindings: [{ name: "ROOM", class_name: "Room" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Room"] }],
};

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());
afterEach(() => {
  receiver.requests.length = 0;
});

function start(options: object, more: Pick<AppOptions, "tail"> = { tail: "none" }) {
  const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url, ...options });
  return startApp("otlp", { ...more, config: { ...objects, vars: { OTLP } } });
}

/** Waits until so many spans have arrived. */
async function spansArrived(count: number): Promise<readonly ReceivedItem[]> {
  for (let i = 0; i < 200; i += 1) {
    const traces = receiver.requests.filter(({ path }) => path.endsWith("/traces"));
    const spans = traces.flatMap(({ items }) => items);
    if (spans.length >= count) return spans;
    await pause(25);
  }
  throw new Error(`${receiver.requests.length} requests arrived`);
}

describe("export from workerd without native tracing", () => {
  let app: LocalWorker;
  before(async () => {
    app = await start({ invocationSpan: undefined, propagateTo: ["127.0.0.1"] });
  });
  after(() => app.close());

  test("a Durable Object's spans are sent, of fetch and of its own methods", async () => {
    assert.equal(await (await app.fetch("/object")).text(), "object");
    assert.deepEqual(edges(await spansArrived(3)), ["GET", "GET", "in_object < GET"]);
    assert.deepEqual(receiver.requests[0]?.resource, {
      "service.name": "unknown_service",
      "cloud.provider": "cloudflare",
      "cloud.platform": "cloudflare.workers",
      "telemetry.sdk.name": "isotel",
      "telemetry.sdk.language": "webjs",
    });
    receiver.requests.length = 0;
    assert.equal(await (await app.fetch("/method")).text(), "spun");
    assert.deepEqual(edges(await spansArrived(3)), [
      "GET",
      "RoomClass/spin",
      "in_method < RoomClass/spin",
    ]);
  });

  test("queue and scheduled handlers have spans of their kinds", async () => {
    await app.fetch("/handlers");
    const spans = await spansArrived(5);
    assert.deepEqual(edges(spans), [
      "GET",
      "in_queue < process orders",
      "in_scheduled < scheduled",
      "process orders",
      "scheduled",
    ]);
    assert.equal(received(spans, "process orders").kind, 5);
  });

  test("a handler that throws throws, and its span has failed", async () => {
    await assert.rejects(app.fetch("/throws"), /a secret/);
    const [span] = await spansArrived(1);
    assert.deepEqual([span?.status, span?.attributes["error.type"]], [2, "RangeError"]);
    assert.doesNotMatch(JSON.stringify(span), /a secret/);
  });

  test("what waitUntil is given is waited for", async () => {
    assert.equal(await (await app.fetch("/after")).text(), "before");
    assert.deepEqual(edges(await spansArrived(2)), ["GET", "after < GET"]);
  });

  test("spans of a body that is still being sent arrive when they have ended", async () => {
    assert.equal(await (await app.fetch("/streamed")).text(), "xxx");
    const spans = await spansArrived(5);
    assert.deepEqual(received(spans, "streamed").attributes, { "app.end": true });
    assert.equal(spans.filter(({ name }) => name === "chunk").length, 3);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  });

  test("calls of the AI SDK are spans like any other", async () => {
    await app.fetch("/ask");
    const spans = await spansArrived(3);
    assert.deepEqual(edges(spans), ["GET", "chat given-1 < invoke_agent", "invoke_agent < GET"]);
    const chat = received(spans, "chat given-1");
    assert.equal(chat.kind, 3);
    assert.equal(chat.attributes["gen_ai.request.model"], "given-1");
    assert.equal(chat.attributes["gen_ai.usage.input_tokens"], 7);
  });

  test("the trace of the request goes on, and into the requests that are made", async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers["traceparent"] as string | undefined);
      response.end("ok");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    const asking = (await (
      await app.fetch(`/propagated?to=http://127.0.0.1:${port}/`, { headers })
    ).json()) as { spanId: string };
    await app.fetch(`/propagated?to=http://localhost:${port}/`, { headers });
    assert.deepEqual(seen, [`00-${traceId}-${asking.spanId}-01`, undefined]);
    const [span] = (await spansArrived(4)).filter(({ name }) => name === "GET");
    assert.deepEqual([span?.traceId, span?.parentSpanId], [traceId, "b7ad6b7169203331"]);
    server.close();
  });

  test("of a burst all is sent or counted, and the program goes on", async () => {
    assert.equal(await (await app.fetch("/many?count=5000")).text(), "5000");
    const counts = await settledCounts(app);
    assert.ok((counts["otlp_dropped_queue_full"] ?? 0) > 0);
  });
});

describe("export from workerd beside native tracing", () => {
  let app: LocalWorker;
  before(async () => {
    // What the other app still sends goes to the receiver it knows.
    await receiver.close();
    receiver = await startReceiver();
    app = await start({ signals: ["traces"] }, { tail: "collector" });
  });
  after(() => app.close());

  test("both have one tree with the same ids, each with what it can carry", async () => {
    await (await app.fetch("/work")).text();
    const sent = await spansArrived(3);
    const native = await app.takeSpans();
    assert.deepEqual(edges(sent), ["GET", "inner < work", "work < GET"]);
    for (const name of ["work", "inner"]) {
      const { traceId, spanId, parentSpanId } = received(sent, name);
      const { traceId: t, spanId: s, parentSpanId: p } = spanNamed(native, name);
      assert.deepEqual([traceId, spanId, parentSpanId], [t, s, p]);
    }
    assert.deepEqual(received(sent, "work").attributes["app.list"], ["a", "b"]);
    assert.equal(spanNamed(native, "work").attributes["app.list"], '["a","b"]');
    const whole = "é".repeat(40_000);
    assert.equal(received(sent, "inner").attributes["app.text"], whole);
    const cut = String(spanNamed(native, "inner").attributes["app.text"]);
    assert.ok(cut.length < whole.length && whole.startsWith(cut));
  });

  test("a call of the AI SDK is one tree in both", async () => {
    await app.fetch("/ask");
    const sent = await spansArrived(3);
    const native = await app.takeSpans();
    assert.deepEqual(edges(sent), ["GET", "chat given-1 < invoke_agent", "invoke_agent < GET"]);
    const { spanId } = received(sent, "invoke_agent");
    assert.equal(spanNamed(native, "invoke_agent").spanId, spanId);
  });

  test("requests that leave while a span is open are not its children", async () => {
    await app.fetch("/busy");
    await spansArrived(1_102);
    const native = await app.takeSpans();
    const requests = native.filter(({ name }) => name.startsWith("fetch"));
    assert.ok(requests.length >= 3, `${requests.length} requests`);
    const root = native.find(({ isInvocation }) => isInvocation);
    for (const { parentSpanId } of requests) assert.equal(parentSpanId, root?.spanId);
  });
});

describe("an export set up while modules are loaded", () => {
  test("takes no spans there, where there is no entropy for ids, and all of a request", async () => {
    const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url });
    const app = await startApp("otlp_at_load", { tail: "none", config: { vars: { OTLP } } });
    try {
      receiver.requests.length = 0;
      assert.equal(await (await app.fetch("/work")).json(), 0);
      assert.deepEqual(edges(await spansArrived(2)), ["GET", "work < GET"]);
      const counts = await settledCounts(app);
      assert.deepEqual([counts["otlp_failures"], counts["swallowed_errors"]], [0, 0]);
    } finally {
      await app.close();
    }
  });
});

describe("options that are wrong in workerd", () => {
  test("are told once, and the handler runs", async () => {
    const app = await startApp("otlp", {
      config: { ...objects, vars: { OTLP: JSON.stringify({ backend: "axiom" }) } },
    });
    try {
      for (let i = 0; i < 2; i += 1) assert.equal((await app.fetch("/work")).status, 200);
      const spans = await app.takeSpans({ invocations: 2 });
      const logs = spans.flatMap((span) => span.logs).filter((log) => log.includes("isotel"));
      assert.equal(logs.length, 1);
      assert.match(logs[0] ?? "", /AXIOM_TOKEN.*AXIOM_DATASET/);
    } finally {
      await app.close();
    }
  });
});
