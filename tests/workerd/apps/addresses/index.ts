// A Worker whose addresses hold secrets wherever it names one. Each route is one way for them to leave.
import "isotel/otlp";
import { DurableObject } from "cloudflare:workers";
import { type TelemetryOptions, tracer, withTelemetry } from "isotel";
import { emitLog, type OtlpOptions, tracedFetch } from "isotel/otlp";
import { type Route, routes } from "../../harness/routes.ts";

interface Env {
  /** Options of its own export, as JSON. */
  readonly OTLP: string;
  /** `127.0.0.1:PORT` of a server that answers everything. */
  readonly TARGET: string;
  readonly STOCK: Fetcher;
  readonly ROOM: DurableObjectNamespace<DurableObject>;
}

const optionsOf = (env: Env): TelemetryOptions => ({ otlp: JSON.parse(env.OTLP) as OtlpOptions });

class RoomClass extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    await tracer.withSpan("in_object", { "url.full": request.url }, () => scheduler.wait(1));
    if (request.headers.get("upgrade") !== "websocket") return new Response("object");
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.addEventListener("message", () => server.close(1000, "done"));
    return new Response(null, { status: 101, webSocket: client });
  }
}

export const Room = withTelemetry(RoomClass, (env) => optionsOf(env as unknown as Env));

const secretsOf = (host: string, path = "/ok", scheme = "http") =>
  `${scheme}://user:SECRETPW@${host}${path}?token=SECRETQ&page=2#access_token=SECRETFRAG`;

async function socketOf({ ROOM }: Env): Promise<number> {
  const room = ROOM.get(ROOM.idFromName("room"));
  const address = secretsOf("room.example", "/", "https");
  const { status, webSocket } = await room.fetch(address, { headers: { upgrade: "websocket" } });
  webSocket?.accept();
  const closed = new Promise((resolve) => webSocket?.addEventListener("close", resolve));
  webSocket?.send("enough");
  await closed;
  webSocket?.close();
  return status;
}

async function cached(): Promise<boolean> {
  const cache = await caches.open("shop");
  // With user info, the runtime takes no address as a key.
  const address = "http://shop.example/cached?token=SECRETQ";
  await cache.put(address, new Response("x", { headers: { "cache-control": "max-age=60" } }));
  const found = await cache.match(address);
  await found?.text();
  await cache.delete(address);
  return found !== undefined;
}

/** Everything that a program says about an address itself. */
async function said(): Promise<void> {
  const address = secretsOf("said.example");
  const error = new Error(`cannot reach ${address}`);
  const attributes = {
    "url.full": address,
    "url.query": "token=SECRETQ&page=2",
    "url.fragment": "SECRETFRAG",
    app_url: address,
    "http.target": "/ok?token=SECRETQ",
    "db.connection_string": "postgres://user:SECRETPW/x@db.example/orders",
    "app.link": address,
    "app.links": [address, "none"],
  };
  await tracer.withSpan(`GET ${address}`, attributes, () => scheduler.wait(1));
  await tracer.withSpan("failing", {}, () => Promise.reject(error)).catch(() => {});
  console.log(address);
  console.log({ address }, [new URL(address)]);
  console.error(error);
  emitLog({
    body: { address, list: [address] },
    attributes: { "app.link": address, "url.full": address },
  });
  emitLog({ body: `got ${address}` });
}

const tableOf = (env: Env): Readonly<Record<string, Route>> => ({
  "/fetch": async () => (await fetch(secretsOf(env.TARGET))).text(),
  "/traced_fetch": async () => (await tracedFetch(secretsOf(env.TARGET))).text(),
  "/redirect": async () => (await fetch(secretsOf(env.TARGET, "/redirect"))).text(),
  "/refused": async () => {
    try {
      await (await fetch(secretsOf("127.0.0.1:1"))).text();
    } catch (error) {
      console.error(error);
    }
  },
  "/invalid": () =>
    fetch("http://user:SECRETPW/x@said.example/?token=SECRETQ").catch((error: Error) =>
      console.error(error),
    ),
  "/service": async () => (await env.STOCK.fetch(secretsOf("stock.example", "/take"))).text(),
  "/object": async () => {
    const room = env.ROOM.get(env.ROOM.idFromName("room"));
    return (await room.fetch(secretsOf("room.example"))).text();
  },
  "/socket": () => socketOf(env),
  "/cache": cached,
  "/said": said,
});

export default withTelemetry(
  {
    async fetch(request, env: Env, ctx): Promise<Response> {
      if (new URL(request.url).pathname === "/rejects") {
        ctx.waitUntil(Promise.reject(new Error(`cannot reach ${secretsOf("rejected.example")}`)));
        return new Response("accepted");
      }
      return (await routes(tableOf(env)).fetch?.(request as never, env, ctx)) as Response;
    },
  } satisfies ExportedHandler<Env>,
  optionsOf,
);
