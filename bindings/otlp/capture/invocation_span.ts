import { httpMethod, httpRoute, otherMethod } from "../../base/http.ts";
import { shared } from "../../base/shared.ts";
import { type Call, handlerTypeOf, triggerOf } from "../../trace/call.ts";
import type { AttributeValue } from "../../trace/span_runtime.ts";
import { SpanKind } from "../core/model.ts";
import type { RouteOf } from "../pipeline/options.ts";

/** The first argument of a Workflow's `run`. */
export type WorkflowRun = Readonly<
  Record<"instanceId" | "workflowName", string> & { timestamp: Date }
>;

type SpanAttributes = Readonly<Record<string, AttributeValue | undefined>>;

/** Name, kind and attributes of the span of an invocation. */
export interface InvocationSpan {
  readonly name: string;
  /** A code of {@link SpanKind}. */
  readonly kind: number;
  /** The handler type of the runtime: fetch, jsrpc, scheduled, alarm, queue, ... */
  readonly handler: string;
  /** `faas.trigger` of the FaaS conventions: http, pubsub, timer or other. */
  readonly trigger: string;
  readonly attributes: SpanAttributes;
}

function described(
  name: string,
  kind: number,
  handler: string,
  attributes: SpanAttributes = {},
): InvocationSpan {
  return { name, kind, handler, trigger: triggerOf(handler), attributes };
}

/** What the span of a request needs. */
export interface RequestFields {
  readonly method: string;
  readonly url: string;
  /** Undefined if there is no such header. `name` is in lower case. */
  readonly header: (name: string) => string | undefined;
  /** The runtime's `request.cf`. */
  readonly cf: unknown;
}

/** https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
export function requestSpan(
  { method, url, header, cf }: RequestFields,
  route: string | undefined,
): InvocationSpan {
  const known = httpMethod(method);
  const isKnown = known !== otherMethod;
  const name = isKnown ? method : "HTTP";
  const parts = URL.parse(url);
  const { colo, httpProtocol } = (cf ?? {}) as Readonly<Record<string, unknown>>;
  return described(route === undefined ? name : `${name} ${route}`, SpanKind.server, "fetch", {
    "http.request.method": known,
    "http.request.method_original": isKnown ? undefined : method,
    "http.route": route,
    "url.scheme": parts?.protocol.slice(0, -1) || undefined,
    "url.path": parts?.pathname,
    // The exporters remove the parameters that the option `keepQueryParameters` does not name.
    "url.query": parts?.search || undefined,
    "server.address": parts?.hostname,
    "server.port": parts?.port ? Number(parts.port) : undefined,
    "user_agent.original": header("user-agent"),
    "network.protocol.version":
      typeof httpProtocol === "string" ? httpProtocol.replace("HTTP/", "") : undefined,
    "cloudflare.ray_id": header("cf-ray"),
    "cloudflare.colo": typeof colo === "string" ? colo : undefined,
  });
}

/** https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
export function batchSpan(queue: string, messages: number): InvocationSpan {
  return described(`process ${queue}`, SpanKind.consumer, "queue", {
    "messaging.system": "cloudflare_queues",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": queue,
    "messaging.batch.message_count": messages,
  });
}

/** @param time Undefined or an invalid date if unknown. */
export function scheduledSpan(cron: string, time: Date | undefined): InvocationSpan {
  return described("scheduled", SpanKind.server, "scheduled", {
    "faas.cron": cron,
    "faas.invocation.start_time": isoTime(time),
  });
}

/** @param time Undefined or an invalid date if unknown. */
export function alarmSpan(time: Date | undefined): InvocationSpan {
  return described("alarm", SpanKind.internal, "alarm", {
    "faas.invocation.start_time": isoTime(time),
  });
}

/**
 * @param service The name of the class. Empty or undefined if unknown.
 * @param method Undefined if unknown.
 */
export function rpcSpan(service: string | undefined, method: string | undefined): InvocationSpan {
  const parts = [service || undefined, method].filter((part) => part !== undefined);
  return described(parts.join("/") || "jsrpc", SpanKind.server, "jsrpc", {
    "rpc.system": "cloudflare_jsrpc",
    "rpc.service": service || undefined,
    "rpc.method": method,
  });
}

export function emailSpan(from: string, to: string, size: number): InvocationSpan {
  return described("email", SpanKind.consumer, "email", {
    "cloudflare.email.from": from,
    "cloudflare.email.to": to,
    "cloudflare.email.size": size,
  });
}

export function tailSpan(traces: number | undefined): InvocationSpan {
  return described("tail", SpanKind.consumer, "trace", {
    "messaging.batch.message_count": traces,
  });
}

/** @param closeCode Undefined for other events than `close`. */
export function webSocketSpan(
  event: "message" | "close" | "error",
  closeCode?: number,
): InvocationSpan {
  return described(`websocket ${event}`, SpanKind.server, "hibernatableWebSocket", {
    "cloudflare.websocket.event": event,
    "cloudflare.websocket.close_code": closeCode,
  });
}

/** The span of an invocation without conventions. */
export function plainSpan(
  handler: string,
  kind: number = SpanKind.internal,
  attributes: SpanAttributes = {},
): InvocationSpan {
  return described(handler, kind, handler, attributes);
}

function isoTime(time: Date | undefined): string | undefined {
  return time instanceof Date && Number.isFinite(time.getTime()) ? time.toISOString() : undefined;
}

const executionModels = {
  entrypoint: "stateless",
  object: "durableObject",
  workflow: "workflow",
} as const;

const isolate = shared("isolate", () => ({ isWarm: false }));

/**
 * Returns the span of an invocation.
 *
 * @throws if the event is not the argument that the handler expects.
 */
export function invocationSpan(call: Call, route: RouteOf | undefined): InvocationSpan {
  const { object } = call;
  const span = handlerSpan(call, route);
  const attributes = {
    "faas.trigger": span.trigger,
    "faas.coldstart": !isolate.isWarm,
    "cloudflare.handler_type": span.handler,
    "cloudflare.execution_model": executionModels[object?.kind ?? "entrypoint"],
    "cloudflare.entrypoint": object?.name || undefined,
    "cloudflare.durable_object.id":
      object?.kind === "object" ? String((object.context as DurableObjectState).id) : undefined,
    ...span.attributes,
  };
  isolate.isWarm = true;
  return { ...span, attributes };
}

function handlerSpan(call: Call, route: RouteOf | undefined): InvocationSpan {
  const { handler, args, object } = call;
  const [event] = args;
  const type = handlerTypeOf(call);
  switch (type) {
    case "fetch": {
      const request = event as Request;
      const header = (name: string) => request.headers.get(name) ?? undefined;
      const { method, url, cf } = request;
      return requestSpan(
        { method, url, header, cf },
        httpRoute(() => route?.(request)) || undefined,
      );
    }
    case "connect":
      return plainSpan(type, SpanKind.server);
    case "test":
      return plainSpan(type);
    case "trace":
      return tailSpan((event as readonly unknown[]).length);
    case "queue": {
      const { queue, messages } = event as MessageBatch;
      return batchSpan(queue, messages.length);
    }
    case "scheduled": {
      const { cron, scheduledTime } = event as ScheduledController;
      return scheduledSpan(cron, new Date(scheduledTime));
    }
    case "email": {
      const { from, to, rawSize } = event as ForwardableEmailMessage;
      return emailSpan(from, to, rawSize);
    }
    case "alarm":
      return alarmSpan(undefined);
    case "hibernatableWebSocket": {
      const isClose = handler === "webSocketClose";
      const ofEvent = webSocketEvents[handler as keyof typeof webSocketEvents];
      return webSocketSpan(ofEvent, isClose ? (args[1] as number) : undefined);
    }
    case "workflow": {
      const { instanceId, workflowName } = event as WorkflowRun;
      return described(`workflow ${workflowName}`, SpanKind.internal, type, {
        "cloudflare.workflow.name": workflowName,
        "cloudflare.workflow.instance_id": instanceId,
      });
    }
    default:
      return rpcSpan(object?.name, handler);
  }
}

const webSocketEvents = {
  webSocketMessage: "message",
  webSocketClose: "close",
  webSocketError: "error",
} as const;
