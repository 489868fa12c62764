import { httpMethod, httpRoute, otherMethod } from "../../base/http.ts";
import { SpanKind } from "../../otlp/core/model.ts";
import type { CollectedSpan } from "./collected_span.ts";

type Onset = TailStream.Onset;
type Fetch = TailStream.FetchEventInfo;

/** Returns the route of a request, such as `/users/:id`. */
export type RouteOf = (request: Request) => string | undefined;

/** The description of an invocation from its onset. */
export interface OnsetSpan {
  readonly name: string;
  /** A code of {@link SpanKind}. */
  readonly kind: number;
  /** `faas.trigger` of the FaaS conventions: http, pubsub, timer or other. */
  readonly trigger: string;
  /** The handler type of the runtime: fetch, jsrpc, scheduled, alarm, queue, ... */
  readonly handler: string;
  /** Whether a Durable Object runs the invocation. */
  readonly isObject: boolean;
  /** Method, scheme and route of an HTTP request. Empty for other invocations. */
  readonly method: string;
  readonly scheme: string;
  readonly route: string;
  readonly keys: readonly string[];
  readonly values: readonly (string | number | undefined)[];
}

type Described = Omit<OnsetSpan, "isObject">;

/** Describes the span of an invocation. https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/ */
export function onsetSpan(onset: Onset, routeOf: RouteOf | undefined): OnsetSpan {
  const isObject = onset.executionModel === "durableObject";
  return { ...described(onset, routeOf), isObject };
}

function described(onset: Onset, routeOf: RouteOf | undefined): Described {
  const { info, entrypoint } = onset;
  const handler = info?.type ?? "custom";
  switch (info?.type) {
    case "fetch":
      return requestSpan(info, routeOf);
    case "connect":
      return plain("connect", SpanKind.server, "other", handler);
    case "jsrpc":
      return plain(entrypoint ?? "jsrpc", SpanKind.server, "other", handler, {
        "rpc.system": "cloudflare_jsrpc",
        "rpc.service": entrypoint,
      });
    case "scheduled":
      return plain("scheduled", SpanKind.server, "timer", handler, {
        "faas.cron": info.cron,
        "faas.time": isoTime(info.scheduledTime),
      });
    case "alarm":
      return plain("alarm", SpanKind.internal, "timer", handler, {
        "faas.time": isoTime(info.scheduledTime),
      });
    case "queue":
      return plain(`process ${info.queueName}`, SpanKind.consumer, "pubsub", handler, {
        "messaging.system": "cloudflare_queues",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": info.queueName,
        "messaging.batch.message_count": info.batchSize,
      });
    case "email":
      return plain("email", SpanKind.consumer, "other", handler, {
        "cloudflare.email.from": info.mailFrom,
        "cloudflare.email.to": info.rcptTo,
        "cloudflare.email.size": info.rawSize,
      });
    case "trace":
      return plain("tail", SpanKind.consumer, "other", handler, {
        "messaging.batch.message_count": info.traces?.length,
      });
    case "hibernatableWebSocket": {
      const event = info.info;
      return plain(`websocket ${event.type}`, SpanKind.server, "other", handler, {
        "cloudflare.websocket.event": event.type,
        "cloudflare.websocket.close_code": event.type === "close" ? event.code : undefined,
      });
    }
    case "onHibernate":
      return plain("hibernate", SpanKind.internal, "other", handler, {
        "cloudflare.hibernate.reason": info.reason,
      });
    default:
      return plain(handler, SpanKind.internal, "other", handler);
  }
}

function plain(
  name: string,
  kind: number,
  trigger: string,
  handler: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
): Described {
  return {
    name,
    kind,
    trigger,
    handler,
    method: "",
    scheme: "",
    route: "",
    keys: Object.keys(attributes),
    values: Object.values(attributes),
  };
}

function requestSpan(info: Fetch, routeOf: RouteOf | undefined): Described {
  const method = httpMethod(info.method);
  const isKnown = method !== otherMethod;
  const name = isKnown ? method : "HTTP";
  const route = routeOf === undefined ? "" : routeOfFetch(info, routeOf);
  const url = URL.parse(info.url);
  const scheme = url === null ? "" : url.protocol.slice(0, -1);
  const { colo, httpProtocol } = (info.cfJson ?? {}) as Readonly<Record<string, unknown>>;
  return {
    name: route === "" ? name : `${name} ${route}`,
    kind: SpanKind.server,
    trigger: "http",
    handler: "fetch",
    method,
    scheme,
    route,
    keys: [
      "http.request.method",
      "http.request.method_original",
      "http.route",
      "url.scheme",
      "url.path",
      "url.query",
      "server.address",
      "server.port",
      "user_agent.original",
      "network.protocol.version",
      "cloudflare.ray_id",
      "cloudflare.colo",
    ],
    values: [
      method,
      isKnown ? undefined : info.method,
      route === "" ? undefined : route,
      scheme === "" ? undefined : scheme,
      url?.pathname,
      // The reader removes the parameters that the option `keepQueryParameters` does not name.
      url === null || url.search === "" ? undefined : url.search,
      url?.hostname,
      url === null || url.port === "" ? undefined : Number(url.port),
      headerOf(info, "user-agent"),
      typeof httpProtocol === "string" ? httpProtocol.replace("HTTP/", "") : undefined,
      headerOf(info, "cf-ray"),
      typeof colo === "string" ? colo : undefined,
    ],
  };
}

function headerOf({ headers }: Fetch, wanted: string): string | undefined {
  if (headers === undefined) return undefined;
  for (const { name, value } of headers) if (name === wanted) return value;
  return undefined;
}

/**
 * Returns the route that the option gives for the request, built from the data of the event. Empty if there is none.
 */
function routeOfFetch(info: Fetch, routeOf: RouteOf): string {
  const ask = () => {
    const headers = (info.headers ?? []).map(({ name, value }): [string, string] => [name, value]);
    return routeOf(new Request(info.url, { method: info.method, headers }));
  };
  return httpRoute(ask) ?? "";
}

function isoTime(time: Date | undefined): string | undefined {
  return time instanceof Date && Number.isFinite(time.getTime()) ? time.toISOString() : undefined;
}

/** Returns the start attributes of the span of an invocation. */
export function rootAttributes(
  onset: TailStream.Onset,
  { trigger, handler, keys, values }: OnsetSpan,
  invocationId: string,
): TailStream.Attribute[] {
  const list: TailStream.Attribute[] = [
    { name: "faas.trigger", value: trigger },
    { name: "faas.invocation_id", value: invocationId },
    { name: "cloudflare.handler_type", value: handler },
  ];
  const put = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) list.push({ name, value });
  };
  put("cloudflare.execution_model", onset.executionModel);
  put("cloudflare.entrypoint", onset.entrypoint);
  put("cloudflare.durable_object.id", onset.durableObjectId);
  for (let i = 0; i < keys.length; i += 1) put(keys[i] as string, values[i]);
  return list;
}

/** Returns the name of a root span at its end. Attributes that the invocation sets may determine it. */
export function rootName({ name, attributes }: CollectedSpan, onset: OnsetSpan): string {
  const { keys, values } = attributes;
  if (onset.handler === "fetch") {
    const route = values[keys.lastIndexOf("http.route")];
    const method = onset.method === otherMethod ? "HTTP" : onset.method;
    return typeof route === "string" && route !== "" ? `${method} ${route}` : name;
  }
  const method = rpcMethod(attributes, onset);
  return method === undefined ? name : `${onset.name}/${method}`;
}

/** Returns the method that an RPC call invokes. Undefined for other invocations, and until it is known. */
export function rpcMethod(
  { keys, values }: CollectedSpan["attributes"],
  { handler }: OnsetSpan,
): string | undefined {
  const method = handler === "jsrpc" ? values[keys.lastIndexOf("jsrpc.method")] : undefined;
  return typeof method === "string" ? method : undefined;
}
