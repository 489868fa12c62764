import {
  type LocalWorker,
  startWorkers,
  streamingTailConsumers,
  type WorkerConfig,
} from "../../harness/start.ts";

/** A kind of invocation of tests/workerd/apps/handler_kinds. */
export interface Kind {
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

export const kinds: Readonly<Record<string, Kind>> = {
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

/**
 * Starts a Worker with a handler of each kind.
 *
 * @param otlp the options of its export.
 * @param more changes to its configuration.
 * @param others Workers beside it.
 */
export function startKinds(
  hasNative: boolean,
  otlp: object,
  more: Partial<WorkerConfig> = {},
  others: readonly WorkerConfig[] = [],
): Promise<LocalWorker> {
  process.env["X_LOCAL_OBSERVABILITY"] = String(hasNative);
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
      vars: { OTLP: JSON.stringify(otlp) },
      ...more,
    },
    {
      name: "tailed",
      main: "tests/workerd/apps/handler_kinds/tailed.ts",
      tail_consumers: [{ service: "handler_kinds" }],
    },
    ...others,
  ]);
}

/** Makes the runtime call a handler of the kind, and ignores the error with which it may answer. */
export async function call(app: LocalWorker, name: string, fate: string): Promise<void> {
  const { call } = kinds[name] as Kind;
  await (call?.(app, fate) ?? app.fetch(`/${name}?fate=${fate}`)).catch(() => {});
}
