import "isotel/metrics";
import "isotel/otlp";
import {
  DurableObject,
  WorkerEntrypoint,
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowStep,
} from "cloudflare:workers";
import { type TelemetryOptions, tracer, withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import type { OtlpOptions } from "isotel/otlp";

export { TelemetryAggregator };

/** What a handler is told to do: nothing, open a span, fail after it, answer 503, or not to answer. */
type Fate = "empty" | "works" | "fails" | "answers503" | "hangs";

interface Env {
  /** Options of the export, as JSON. */
  readonly OTLP: string;
  readonly SELF: Fetcher & {
    queue(name: string, messages: readonly object[]): Promise<{ outcome: string }>;
    scheduled(options: object): Promise<{ outcome: string }>;
  };
  readonly API: Service<typeof Api>;
  readonly ROOM: DurableObjectNamespace<RoomClass>;
  /** Measures invocations if it is set. */
  readonly TELEMETRY?: DurableObjectNamespace<TelemetryAggregator>;
  readonly FLOW: Workflow<{ fate: Fate }>;
}

const options = ({ OTLP, TELEMETRY }: Env): TelemetryOptions => ({
  otlp: JSON.parse(OTLP) as OtlpOptions,
  ...(TELEMETRY && { metrics: { aggregator: TELEMETRY, flushIntervalMs: 100, public: true } }),
});

async function act(fate: Fate): Promise<string> {
  if (fate === "empty") return "done";
  await tracer.withSpan("inside", {}, () => scheduler.wait(fate === "hangs" ? 60_000 : 1));
  if (fate === "fails") throw new RangeError("a secret");
  return "done";
}

async function respond(fate: Fate): Promise<Response> {
  const text = await act(fate);
  return new Response(text, { status: fate === "answers503" ? 503 : 200 });
}

const fateOf = (url: string): Fate => new URL(url).searchParams.get("fate") as Fate;

class ApiClass extends WorkerEntrypoint<Env> {
  call(fate: Fate): Promise<string> {
    return act(fate);
  }
}

export const Api = withTelemetry(ApiClass, options);

class RoomClass extends DurableObject<Env> {
  readonly #secret = "private";

  override fetch(request: Request): Promise<Response> | Response {
    if (request.headers.get("upgrade") !== "websocket") return respond(fateOf(request.url));
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  async call(fate: Fate): Promise<string> {
    await act(fate);
    return this.#secret;
  }

  async wake(fate: Fate): Promise<void> {
    this.ctx.storage.kv.put("fate", fate);
    await this.ctx.storage.setAlarm(Date.now());
  }

  override async alarm(): Promise<void> {
    const fate = this.ctx.storage.kv.get<Fate>("fate") ?? "empty";
    this.ctx.storage.kv.put("fate", "empty");
    await act(fate);
  }

  override async webSocketMessage(socket: WebSocket, message: string): Promise<void> {
    socket.send("heard");
    await act(message as Fate);
  }

  override async webSocketClose(_socket: WebSocket, _code: number, reason: string): Promise<void> {
    await act(reason as Fate);
  }
}

export const Room = withTelemetry(RoomClass, options);

class FlowClass extends WorkflowEntrypoint<Env, { fate: Fate }> {
  override async run(event: WorkflowEvent<{ fate: Fate }>, step: WorkflowStep): Promise<string> {
    const { fate } = event.payload;
    if (fate === "empty") return "done";
    let attempts = 0;
    const retries = { limit: 1, delay: 1, backoff: "constant" } as const;
    await step.do("charge", { retries }, async () => {
      attempts += 1;
      await tracer.withSpan("inside", {}, () => scheduler.wait(1));
      if (attempts === 1) throw new RangeError("a secret");
      return attempts;
    });
    if (fate === "fails") throw new RangeError("a secret");
    return "done";
  }
}

export const Flow = withTelemetry(FlowClass, options);

export default withTelemetry(
  {
    async fetch(request: Request, env: Env): Promise<Response> {
      const url = new URL(request.url);
      const fate = fateOf(request.url);
      const room = () => env.ROOM.get(env.ROOM.newUniqueId());
      switch (url.pathname) {
        case "/queue":
          return Response.json(
            await env.SELF.queue("orders", [
              { id: "1", timestamp: new Date(), attempts: 1, body: fate },
            ]),
          );
        case "/abandon": {
          // A client that leaves before the answer.
          const signal = AbortSignal.timeout(50);
          const answer = env.SELF.fetch("http://shop.example/fetch?fate=hangs", { signal });
          return new Response(await answer.then(() => "answered", String));
        }
        case "/diagnostics":
          return Response.json(tracer.diagnostics());
        case "/scheduled":
          return Response.json(await env.SELF.scheduled({ cron: fate }));
        case "/rpc":
          return new Response(await env.API.call(fate).catch(String));
        case "/object_rpc":
          return new Response(await room().call(fate).catch(String));
        case "/object_fetch":
          return new Response(
            await room()
              .fetch(request)
              .then((response) => response.text(), String),
          );
        case "/alarm":
          await room().wake(fate);
          return new Response("set");
        case "/websocket_message":
        case "/websocket_close": {
          const headers = { upgrade: "websocket" };
          const { webSocket } = await room().fetch("https://room.example/", { headers });
          if (webSocket === null) return new Response("no socket", { status: 500 });
          webSocket.accept();
          const heard = new Promise((resolve) => webSocket.addEventListener("message", resolve));
          const isClosed = url.pathname === "/websocket_close";
          webSocket.send(isClosed ? "empty" : fate);
          await heard;
          if (isClosed) webSocket.close(1000, fate);
          return new Response("sent");
        }
        case "/workflow": {
          const instance = await env.FLOW.create({ params: { fate } });
          for (let i = 0; i < 200; i += 1) {
            const { status } = await instance.status();
            if (status === "complete" || status === "errored") return new Response(status);
            await scheduler.wait(20);
          }
          return new Response("never", { status: 500 });
        }
        default:
          return respond(fate);
      }
    },
    async queue(batch: MessageBatch<Fate>): Promise<void> {
      await act(batch.messages[0]?.body ?? "empty");
    },
    async scheduled(controller: ScheduledController): Promise<void> {
      await act(controller.cron as Fate);
    },
    async email(message: ForwardableEmailMessage): Promise<void> {
      await act((message.headers.get("subject") ?? "empty") as Fate);
    },
    async tail([trace]: TraceItem[]): Promise<void> {
      await act(String(trace?.logs[0]?.message) as Fate);
    },
  },
  options,
);
