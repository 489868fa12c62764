// A tail Worker that keeps the events it gets, and hands them to a side once, as if they came then.
import { collector } from "../../../dist/collector/index.js";
import { tracer } from "../../../dist/index.js";

type TailEvent = TailStream.TailEvent<TailStream.EventType>;
type Onset = TailStream.TailEvent<TailStream.Onset>;
type TailStreamHandler = NonNullable<ExportedHandler["tailStream"]>;

let recorded: TailEvent[][] = [];
let kept: TailEvent[][] = [];

function keepIn(list: TailEvent[][], onset: Onset): TailStream.TailEventHandler {
  const events: TailEvent[] = [onset];
  list.push(events);
  return (event) => {
    events.push(event);
  };
}

const otlp = { backend: "custom", endpoint: "http://127.0.0.1:1" } as const;
const collecting = (compression: "none" | "gzip"): TailStreamHandler => {
  const options = { otlp: { ...otlp, compression }, flushDelayMs: 0 };
  return collector<unknown>(() => options).tailStream;
};

const sides: Readonly<Record<string, TailStreamHandler>> = {
  keep: (onset) => keepIn(kept, onset),
  collect: collecting("none"),
  compress: collecting("gzip"),
};

/** The longest request the backend would have got: what it costs from there on is the network's. */
let longest = new Uint8Array(0);

globalThis.fetch = async (_url, init) => {
  const body = init?.body as Uint8Array<ArrayBuffer>;
  if (body.length > longest.length) longest = body;
  return new Response();
};

async function sent(): Promise<void> {
  for (;;) {
    const { otlp_queued = 0, otlp_sending = 0 } = tracer.diagnostics();
    if (otlp_queued + otlp_sending === 0) return;
    await scheduler.wait(1);
  }
}

/** Hands over what was recorded, and forgets it: texts are known to be equal faster the second time. */
async function replay(side: TailStreamHandler, ctx: ExecutionContext): Promise<void> {
  kept = [];
  for (const events of recorded) {
    const follow = side(events[0] as Onset, undefined, ctx) as TailStream.TailEventHandler;
    for (let i = 1; i < events.length; i += 1) void follow(events[i] as TailEvent);
    await scheduler.wait(0);
    await sent();
  }
  recorded = [];
}

// biome-ignore lint/style/noDefaultExport: the runtime looks for it.
export default {
  tailStream: (onset) => keepIn(recorded, onset),
  async fetch({ url }, _env, ctx) {
    const path = new URL(url).pathname;
    if (path === "/recorded") return Response.json(recorded.map(({ length }) => length));
    if (path === "/kept") return Response.json(kept.map(({ length }) => length));
    if (path === "/counts") return Response.json(tracer.diagnostics());
    if (path === "/longest") return new Response(longest);
    const side = sides[path.slice(1)];
    if (side === undefined) return new Response("no such side", { status: 404 });
    await replay(side, ctx);
    return new Response("replayed");
  },
} satisfies ExportedHandler;
