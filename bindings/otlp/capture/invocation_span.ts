import { httpMethod, httpRoute, otherMethod } from "../../base/http.ts";
import type { AttributeValue } from "../../trace/span_runtime.ts";
import { SpanKind } from "../core/model.ts";
import type { RouteOf } from "../pipeline/options.ts";

/** Name, kind and initial attributes of the span of an invocation. */
export interface InvocationSpan {
  readonly name: string;
  /** A code of {@link SpanKind}. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** The request of a `fetch` handler. */
  readonly request?: Request;
}

/**
 * Returns the span of an invocation. Returns undefined for a handler that gets no span. Follows the semantic
 * conventions for HTTP (https://opentelemetry.io/docs/specs/semconv/http/http-spans/), messaging and FaaS.
 *
 * @param event The first argument of the handler.
 * @throws if `event` is not the argument that the handler expects.
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
      // CapturedSpan removes the parameters that the option `keepQueryParameters` does not name.
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
