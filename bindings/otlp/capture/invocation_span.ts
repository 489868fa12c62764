import { httpMethod, httpRoute, otherMethod } from "../../base/http.ts";
import type { AttributeValue } from "../../trace/span_runtime.ts";
import { SpanKind } from "../core/model.ts";
import type { RouteOf } from "../pipeline/options.ts";

/** What the span of an invocation says from its start. */
export interface InvocationSpan {
  readonly name: string;
  /** A code of OTLP's span kinds. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** The request, of those that have one. */
  readonly request?: Request;
}

/**
 * The span of an invocation by the name of its handler; undefined for handlers that get none.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and its neighbours for messaging and FaaS.
 *
 * @param event the handler's first argument. May throw when it is not what the handler gets.
 */
export function invocationSpan(
  handler: string,
  event: unknown,
  route: RouteOf | undefined,
): InvocationSpan | undefined {
  switch (handler) {
    case "fetch":
      return requestSpan(event as Request, route);
    case "queue":
      return batchSpan(event as MessageBatch);
    case "scheduled":
      return scheduledSpan(event as ScheduledController);
    case "alarm":
      return { name: "alarm", kind: SpanKind.internal, attributes: { "faas.trigger": "timer" } };
    default:
      return undefined;
  }
}

function requestSpan(request: Request, route: RouteOf | undefined): InvocationSpan {
  const { method } = request;
  const url = new URL(request.url);
  const known = httpMethod(method);
  const isKnown = known !== otherMethod;
  const found = httpRoute(() => route?.(request));
  const name = isKnown ? method : "HTTP";
  return {
    name: found === undefined ? name : `${name} ${found}`,
    kind: SpanKind.server,
    attributes: {
      "http.request.method": known,
      "http.request.method_original": isKnown ? undefined : method,
      "http.route": found,
      "url.scheme": url.protocol.slice(0, -1),
      "url.path": url.pathname,
      // The span keeps of it what the option `keepQueryParameters` names.
      "url.query": url.search === "" ? undefined : url.search,
      "server.address": url.hostname,
      "server.port": url.port === "" ? undefined : Number(url.port),
      "user_agent.original": request.headers.get("user-agent") ?? undefined,
    },
    request,
  };
}

function batchSpan({ queue, messages }: MessageBatch): InvocationSpan {
  return {
    name: `process ${queue}`,
    kind: SpanKind.consumer,
    attributes: {
      "messaging.system": "cloudflare_queues",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": queue,
      "messaging.batch.message_count": messages.length,
    },
  };
}

function scheduledSpan({ cron, scheduledTime }: ScheduledController): InvocationSpan {
  return {
    name: "scheduled",
    kind: SpanKind.server,
    attributes: {
      "faas.trigger": "timer",
      "faas.cron": cron,
      "faas.time": new Date(scheduledTime).toISOString(),
    },
  };
}
