import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type LocalWorker, startWorkers, streamingTailConsumers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";

interface Kind {
  /** The span's name and kind, and attributes of its conventions. */
  readonly span: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Makes the runtime call the handler. Default: the route of that name. */
  readonly call?: (app: LocalWorker, fate: string) => Promise<unknown>;
}

const server = 2;
const consumer = 5;
const internal = 1;
const rpc = { "rpc.system": "cloudflare_jsrpc", "rpc.method": "call" };
const object = { "cloudflare.execution_model": "durableObject" };
const http = { "faas.trigger": "http", "http.request.method": "GET", "url.scheme": "http" };
const socket = { ...object, "cloudflare.handler_type": "hibernatableWebSocket" };

const kinds: Readonly<Record<string, Kind>> = {
  fetch: {
    span: "GET",
    kind: server,
    attributes: { ...http, "url.path": "/fetch", "server.address": "127.0.0.1" },
  },
  object_fetch: {
    span: "GET",
    kind: server,
    attributes: { ...http, ...object, "url.path": "/object_fetch" },
  },
  rpc: {
    span: "ApiClass/call",
    kind: server,
    attributes: { ...rpc, "rpc.service": "ApiClass", "cloudflare.execution_model": "stateless" },
  },
  object_rpc: {
    span: "RoomClass/call",
    kind: server,
    attributes: { ...rpc, ...object, "rpc.service": "RoomClass" },
  },
  queue: {
    span: "process orders",
    kind: consumer,
    attributes: {
      "faas.trigger": "pubsub",
      "messaging.system": "cloudflare_queues",
      "messaging.operation.type": "process",
      "messaging.destination.name": "orders",
      "messaging.batch.message_count": 1,
    },
  },
  scheduled: {
    span: "scheduled",
    kind: server,
    attributes: { "faas.trigger": "timer", "cloudflare.handler_type": "scheduled" },
  },
  alarm: {
    span: "alarm",
    kind: internal,
    attributes: { ...object, "faas.trigger": "timer", "cloudflare.handler_type": "alarm" },
  },
  email: {
    span: "email",
    kind: consumer,
    attributes: { "cloudflare.email.from": "a@shop.example", "cloudflare.handler_type": "email" },
    call: (app, fate) =>
      app.fetch("/cdn-cgi/handler/email?from=a@shop.example&to=b@shop.example", {
        method: "POST",
        body: `From: a@shop.example\r\nTo: b@shop.example\r\nMessage-ID: <1@x>\r\nSubject: ${fate}\r\n\r\nhello\r\n`,
      }),
  },
  tail: {
    span: "tail",
    kind: consumer,
    attributes: { "cloudflare.handler_type": "trace", "messaging.batch.message_count": 1 },
    call: (app, fate) => app.fetchFrom("tailed", `/?fate=${fate}`),
  },
  websocket_message: {
    span: "websocket message",
    kind: server,
    attributes: { ...socket, "cloudflare.websocket.event": "message" },
  },
  websocket_close: {
    span: "websocket close",
    kind: server,
    attributes: { ...socket, "cloudflare.websocket.close_code": 1000 },
  },
  workflow: {
    span: "workflow flow",
    kind: internal,
    attributes: { "cloudflare.workflow.name": "flow", "cloudflare.execution_model": "workflow" },
  },
};

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

function start(hasNative: boolean, options: object): Promise<LocalWorker> {
  process.env["X_LOCAL_OBSERVABILITY"] = String(hasNative);
  const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url, ...options });
  return startWorkers([
    {
      name: "handler_kinds",
      main: "tests/workerd/apps/handler_kinds/index.ts",
      compatibility_flags: ["nodejs_compat", "service_binding_extra_handlers"],
      streaming_tail_consumers: hasNative ? [...streamingTailConsumers] : [],
      services: [
        { binding: "SELF", service: "handler_kinds" },
        { binding: "API", service: "handler_kinds", entrypoint: "Api" },
      ],
      durable_objects: { bindings: [{ name: "ROOM", class_name: "Room" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Room"] }],
      workflows: [{ binding: "FLOW", name: "flow", class_name: "Flow" }],
      vars: { OTLP },
    },
    {
      name: "tailed",
      main: "tests/workerd/apps/handler_kinds/tailed.ts",
      tail_consumers: [{ service: "handler_kinds" }],
    },
  ]);
}

const spans = (): ReceivedItem[] => receiver.requests.flatMap(({ items }) => items);

/** Makes the runtime call a handler of the kind, and ignores the error with which it may answer. */
async function call(app: LocalWorker, name: string, fate: string): Promise<void> {
  const { call } = kinds[name] as Kind;
  await (call?.(app, fate) ?? app.fetch(`/${name}?fate=${fate}`)).catch(() => {});
}

/** Waits for the span of a kind that has the status. */
function arrived(kind: string, status: number): Promise<ReceivedItem> {
  const { span, attributes } = kinds[kind] as Kind;
  const expected = Object.entries(attributes);
  return receiver.item(
    `${span} with status ${status}`,
    (item) =>
      item.name === span &&
      item.status === status &&
      expected.every(([key, value]) => item.attributes[key] === value),
  );
}

for (const hasNative of [false, true]) {
  describe(`spans of invocations, native tracing ${hasNative ? "on" : "off"}`, () => {
    afterEach(() => {
      receiver.requests.length = 0;
    });

    describe("all sampled", () => {
      let app: LocalWorker;
      before(async () => {
        app = await start(hasNative, {});
      });
      after(() => app.close());

      for (const [name, { kind }] of Object.entries(kinds)) {
        test(`${name} without spans of its own has one`, async () => {
          await call(app, name, "empty");
          const span = await arrived(name, 0);
          assert.deepEqual([span.kind, span.parentSpanId], [kind, ""]);
        });

        test(`${name} that fails has a failed one, the root of all spans inside`, async () => {
          await call(app, name, "fails");
          const root = await arrived(name, 2);
          assert.equal(root.attributes["error.type"], "RangeError");
          assert.doesNotMatch(JSON.stringify(root), /a secret/);
          const { traceId } = root;
          const inside = await receiver.item(
            "span inside",
            (item) => item.name === "inside" && item.traceId === traceId,
          );
          const trace = spans().filter((item) => item.traceId === traceId);
          const byId = new Map(trace.map((item) => [item.spanId, item]));
          assert.equal(byId.size, trace.length, "two spans with one id");
          for (const { name, parentSpanId } of trace) {
            assert.ok(parentSpanId === "" || byId.has(parentSpanId), `${name} has no parent`);
          }
          let top: ReceivedItem | undefined = inside;
          while (top !== undefined && top.parentSpanId !== "") top = byId.get(top.parentSpanId);
          assert.equal(top?.spanId, root.spanId);
        });
      }

      test("an answer of 503 fails the span of fetch, and of no other span", async () => {
        await call(app, "object_fetch", "answers503");
        const root = await arrived("object_fetch", 2);
        assert.equal(root.attributes["error.type"], "503");
        assert.equal(root.attributes["http.response.status_code"], 503);
      });

      test("each attempt of a Workflow's step is a span", async () => {
        await call(app, "workflow", "works");
        const root = await arrived("workflow", 0);
        const steps = spans().filter(({ name }) => name === "step charge");
        assert.deepEqual(
          steps.map(({ attributes, status, parentSpanId }) => [
            attributes["cloudflare.workflow.step.name"],
            attributes["cloudflare.workflow.step.attempt"],
            status,
            parentSpanId,
          ]),
          [
            ["charge", 1, 2, root.spanId],
            ["charge", 2, 0, root.spanId],
          ],
        );
      });
    });

    describe("none sampled", () => {
      test("no kind sends any span", async () => {
        const app = await start(hasNative, { sampleRatio: 0, serviceName: "unsampled" });
        try {
          for (const name of Object.keys(kinds)) await call(app, name, "fails");
          const counts = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
          assert.deepEqual([counts["otlp_made"], counts["otlp_failures"]], [0, 0]);
          const own = spans().filter(({ resource }) => resource["service.name"] === "unsampled");
          assert.deepEqual(own, []);
        } finally {
          await app.close();
        }
      });
    });

    describe("only failures kept", () => {
      let app: LocalWorker;
      before(async () => {
        app = await start(hasNative, { tail: { errors: true } });
      });
      after(() => app.close());

      for (const name of Object.keys(kinds)) {
        test(`${name} is kept when it fails, and not when it succeeds`, async () => {
          await call(app, name, "empty");
          await call(app, name, "fails");
          await arrived(name, 2);
          const { attributes } = kinds[name] as Kind;
          const handler = attributes["cloudflare.handler_type"];
          const others = spans().filter(
            (item) => item.name === kinds[name]?.span && item.status !== 2,
          );
          assert.deepEqual(others, [], String(handler));
        });
      }
    });
  });
}
