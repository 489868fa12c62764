// Durable Objects with hibernating WebSockets: without isotel, and wrapped with an export and metrics.
import "isotel/metrics";
import "isotel/otlp";
import { DurableObject } from "cloudflare:workers";
import { type TelemetryOptions, tracer, withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import type { OtlpOptions } from "isotel/otlp";

export { TelemetryAggregator };

interface Env {
  readonly OTLP: string;
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly PLAIN: DurableObjectNamespace;
  readonly WRAPPED: DurableObjectNamespace;
}

const options = (env: Env): TelemetryOptions => ({
  otlp: JSON.parse(env.OTLP) as OtlpOptions,
  metrics: { aggregator: env.TELEMETRY, flushIntervalMs: 1_000 },
});

/** Answers each message with the number of messages that this instance has received. */
export class Plain extends DurableObject<Env> {
  #messages = 0;

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket): void {
    this.#messages += 1;
    socket.send(tracer.withSpan("answer", {}, () => String(this.#messages)));
  }
}

export const Wrapped = withTelemetry(class extends Plain {}, options);

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const namespace = pathname === "/plain" ? env.PLAIN : env.WRAPPED;
    return namespace.get(namespace.newUniqueId()).fetch(request);
  },
};
