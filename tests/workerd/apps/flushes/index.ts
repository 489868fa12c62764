import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { flush, tracer, withTelemetry } from "isotel";
import { metricsResponse, TelemetryAggregator } from "isotel/aggregator";
import { counter, defineMetrics } from "isotel/metrics";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
  readonly TELEMETRY_QUEUE: Queue | undefined;
  readonly SOCKETS: DurableObjectNamespace;
  readonly INTERVAL_MS: string | undefined;
}

const { visits } = defineMetrics({ visits: counter("visits") });

const options = (env: Env) => ({
  metrics: {
    aggregator: env.TELEMETRY,
    ...(env.TELEMETRY_QUEUE === undefined ? {} : { queue: env.TELEMETRY_QUEUE }),
    public: true,
    ...(env.INTERVAL_MS === undefined ? {} : { flushIntervalMs: Number(env.INTERVAL_MS) }),
  },
});

/** Records inside a span of the user, and also after the response. */
async function answer(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/socket") return env.SOCKETS.get(env.SOCKETS.idFromName("one")).fetch(request);
  if (pathname === "/metrics") {
    return metricsResponse(request, { aggregator: env.TELEMETRY, public: true });
  }
  if (pathname === "/flush") return Response.json(await flush());
  visits.add();
  await tracer.withSpan("work", {}, async () => {
    visits.add();
    await scheduler.wait(5);
  });
  if (pathname === "/later") {
    ctx.waitUntil(
      tracer.withSpan("later", {}, async () => {
        await scheduler.wait(20);
        visits.add();
      }),
    );
  }
  return new Response("ok");
}

const asObject = withTelemetry({ fetch: answer }, options);

class Entrypoint extends WorkerEntrypoint<Env> {
  override fetch(request: Request): Promise<Response> {
    return answer(request, this.env, this.ctx);
  }
}
const asClass = withTelemetry(Entrypoint, options);

/** Counts the messages of a hibernating WebSocket. */
class SocketsBase extends DurableObject<Env> {
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    visits.add();
    socket.send(message);
  }
}
export const Sockets = withTelemetry(SocketsBase, options);

export { asClass, asObject, TelemetryAggregator };
export default asObject;
