import { httpRoute } from "../../base/http.ts";
import {
  alarmSpan,
  batchSpan,
  emailSpan,
  type InvocationSpan,
  plainSpan,
  requestSpan,
  rpcSpan,
  scheduledSpan,
  tailSpan,
  webSocketSpan,
} from "../../otlp/capture/invocation_span.ts";
import { SpanKind } from "../../otlp/core/model.ts";
import type { AttributeValue } from "../../trace/span_runtime.ts";
import type { CollectedSpan } from "./collected_span.ts";

type Onset = TailStream.Onset;
type Fetch = TailStream.FetchEventInfo;

/** Returns the route of a request, such as `/users/:id`. */
export type RouteOf = (request: Request) => string | undefined;

/** The description of an invocation from its onset. */
export interface OnsetSpan extends InvocationSpan {
  /** Whether a Durable Object runs the invocation. */
  readonly isObject: boolean;
}

/** Describes the span of an invocation. https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/ */
export function onsetSpan(onset: Onset, routeOf: RouteOf | undefined): OnsetSpan {
  const isObject = onset.executionModel === "durableObject";
  return { ...described(onset, routeOf), isObject };
}

function described(onset: Onset, routeOf: RouteOf | undefined): InvocationSpan {
  const { info, entrypoint } = onset;
  switch (info?.type) {
    case "fetch": {
      const { method, url, cfJson: cf } = info;
      const route = routeOf && routeOfFetch(info, routeOf);
      return requestSpan({ method, url, header: (name) => headerOf(info, name), cf }, route);
    }
    case "connect":
      return plainSpan("connect", SpanKind.server);
    case "jsrpc":
      return rpcSpan(entrypoint, undefined);
    case "scheduled":
      return scheduledSpan(info.cron, info.scheduledTime);
    case "alarm":
      return alarmSpan(info.scheduledTime);
    case "queue":
      return batchSpan(info.queueName, info.batchSize);
    case "email":
      return emailSpan(info.mailFrom, info.rcptTo, info.rawSize);
    case "trace":
      return tailSpan(info.traces?.length);
    case "hibernatableWebSocket": {
      const event = info.info;
      return webSocketSpan(event.type, event.type === "close" ? event.code : undefined);
    }
    case "onHibernate":
      return plainSpan("hibernate", SpanKind.internal, {
        "cloudflare.hibernate.reason": info.reason,
      });
    default:
      return plainSpan(info?.type ?? "custom");
  }
}

function headerOf({ headers }: Fetch, wanted: string): string | undefined {
  if (headers === undefined) return undefined;
  for (const { name, value } of headers) if (name === wanted) return value;
  return undefined;
}

/** Returns the route that the option gives for the request, built from the data of the event. */
function routeOfFetch(info: Fetch, routeOf: RouteOf): string | undefined {
  const ask = () => {
    const headers = (info.headers ?? []).map(({ name, value }): [string, string] => [name, value]);
    return routeOf(new Request(info.url, { method: info.method, headers }));
  };
  return httpRoute(ask) || undefined;
}

/** Returns the start attributes of the span of an invocation. */
export function rootAttributes(
  onset: TailStream.Onset,
  { trigger, handler, attributes }: OnsetSpan,
  invocationId: string,
): TailStream.Attribute[] {
  const list: TailStream.Attribute[] = [
    { name: "faas.trigger", value: trigger },
    { name: "faas.invocation.id", value: invocationId },
    { name: "cloudflare.handler_type", value: handler },
  ];
  const put = (name: string, value: AttributeValue | undefined): void => {
    if (value !== undefined) list.push({ name, value: value as string | number });
  };
  put("cloudflare.execution_model", onset.executionModel);
  put("cloudflare.entrypoint", onset.entrypoint);
  put("cloudflare.durable_object.id", onset.durableObjectId);
  for (const key of Object.keys(attributes)) put(key, attributes[key]);
  return list;
}

/** Returns the name of a root span at its end. Attributes that the invocation sets may determine it. */
export function rootName({ name, attributes }: CollectedSpan, onset: OnsetSpan): string {
  const { keys, values } = attributes;
  if (onset.handler === "fetch") {
    const route = values[keys.lastIndexOf("http.route")];
    // The name so far begins with the method.
    return typeof route === "string" && route !== "" ? `${name.split(" ", 1)} ${route}` : name;
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
