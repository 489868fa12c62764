// A tail Worker that collects events, or only keeps them.
import { collector } from "../../../dist/collector/index.js";
import { tracer } from "../../../dist/index.js";

type TailStreamHandler = NonNullable<ExportedHandler["tailStream"]>;

/** The events of the last invocation. */
let kept: TailStream.TailEvent<TailStream.EventType>[] = [];

const keep: TailStreamHandler = (onset) => {
  const events: typeof kept = [onset];
  kept = events;
  return (event) => {
    events.push(event);
  };
};

const otlp = { backend: "custom", endpoint: "http://127.0.0.1:1" } as const;
const collecting = (compression: "none" | "gzip"): TailStreamHandler => {
  const options = { otlp: { ...otlp, compression }, flushDelayMs: 0 };
  return collector<unknown>(() => options).tailStream;
};

const sides: Readonly<Record<string, TailStreamHandler>> = {
  keep,
  collect: collecting("none"),
  compress: collecting("gzip"),
};
let side: TailStreamHandler = keep;

/** The longest request to the backend. It is not sent, because the cost of the network is not measured. */
let longest = new Uint8Array(0);

globalThis.fetch = async (_url, init) => {
  const body = init?.body as Uint8Array<ArrayBuffer>;
  if (body.length > longest.length) longest = body;
  return new Response();
};

// biome-ignore lint/style/noDefaultExport: the runtime requires it.
export default {
  tailStream: (onset, env, ctx) => side(onset, env, ctx),
  fetch({ url }) {
    const path = new URL(url).pathname;
    if (path === "/kept") return Response.json(kept.length);
    if (path === "/counts") return Response.json(tracer.diagnostics());
    if (path === "/longest") return new Response(longest);
    const chosen = sides[path.slice(1)];
    if (chosen === undefined) return new Response("no such side", { status: 404 });
    side = chosen;
    return new Response("chosen");
  },
} satisfies ExportedHandler;
