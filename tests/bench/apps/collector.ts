// Keeps the events of the invocations it follows, and hands them to either side as the runtime did.
import { collector } from "../../../dist/collector/index.js";
import { tracer } from "../../../dist/index.js";

type TailEvent = TailStream.TailEvent<TailStream.EventType>;
type Onset = TailStream.TailEvent<TailStream.Onset>;
type TailStreamHandler = NonNullable<ExportedHandler["tailStream"]>;

const recorded: TailEvent[][] = [];
let kept: TailEvent[][] = [];

function keepIn(list: TailEvent[][], onset: Onset): TailStream.TailEventHandler {
  const events: TailEvent[] = [onset];
  list.push(events);
  return (event) => {
    events.push(event);
  };
}

const otlp = { backend: "custom", endpoint: "http://127.0.0.1:1" } as const;
const collecting = (compression: "none" | "gzip") =>
  collector(() => ({ otlp: { ...otlp, compression }, flushDelayMs: 0 })).tailStream;

const sides: Readonly<Record<string, TailStreamHandler>> = {
  keep: (onset) => keepIn(kept, onset),
  collect: collecting("none"),
  compress: collecting("gzip"),
};

/** Requests the backend would have got: what they cost from there on is the network's. */
let requests: Uint8Array<ArrayBuffer>[] = [];

globalThis.fetch = async (_url, init) => {
  requests.push(init?.body as Uint8Array<ArrayBuffer>);
  return new Response();
};

function replay(handler: TailStreamHandler, env: unknown, ctx: ExecutionContext): void {
  for (const events of recorded) {
    const follow = handler(events[0] as Onset, env, ctx) as TailStream.TailEventHandler;
    for (let i = 1; i < events.length; i += 1) void follow(events[i] as TailEvent);
  }
}

async function sent(): Promise<void> {
  for (;;) {
    const { otlp_queued = 0, otlp_sending = 0 } = tracer.diagnostics();
    if (otlp_queued + otlp_sending === 0) return;
    await scheduler.wait(1);
  }
}

// biome-ignore lint/style/noDefaultExport: the runtime looks for it.
export default {
  tailStream: (onset) => keepIn(recorded, onset),
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/recorded") return Response.json(recorded.map(({ length }) => length));
    if (pathname === "/kept") return Response.json(kept.map(({ length }) => length));
    if (pathname === "/requests") return new Response(new Blob(requests));
    const handler = sides[pathname.slice(1)];
    if (handler === undefined) return new Response("no such side", { status: 404 });
    const rounds = Number(searchParams.get("rounds"));
    for (let round = 0; round < rounds; round += 1) {
      requests = [];
      kept = [];
      replay(handler, env, ctx);
      await scheduler.wait(0);
      await sent();
    }
    return new Response("done");
  },
} satisfies ExportedHandler;
