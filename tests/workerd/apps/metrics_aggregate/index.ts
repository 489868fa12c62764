import { consumeTelemetry, type MetricsResponseOptions, metricsResponse } from "isotel/aggregator";
import { Archiving, type Fault, FaultyAggregator, ShortGauges } from "./aggregators.ts";

export { Archiving, FaultyAggregator, ShortGauges };

interface Env {
  readonly FAULTY: DurableObjectNamespace<FaultyAggregator>;
  readonly SHORT: DurableObjectNamespace<ShortGauges>;
  readonly ARCHIVING: DurableObjectNamespace<Archiving>;
  readonly TELEMETRY_KV: KVNamespace;
  readonly SHORT_KV: KVNamespace;
  readonly TELEMETRY_QUEUE: Queue<Uint8Array>;
  /** Gives a message up at once. */
  readonly HASTY_QUEUE: Queue<Uint8Array>;
  readonly SELF: { queue(name: string, messages: readonly object[]): Promise<unknown> };
}

/** What is asked of an aggregator; the types of stubs are too deep for what is returned here. */
interface Stub {
  apply(frames: Uint8Array[]): Promise<number[]>;
  snapshot(): Promise<Uint8Array>;
  break(fault: Fault): Promise<void>;
  writes(): Promise<unknown>;
  exec(query: string): Promise<unknown>;
  alarmUnixMs(): Promise<number | null>;
  deleteAlarm(): Promise<void>;
}

/** A message of a batch, its body in base64; a body of null is a text. */
interface TestMessage {
  readonly frame: string | null;
  readonly attempts?: number;
}

type Route = (request: Request, env: Env, url: URL) => Promise<unknown>;

const shardsOf = ({ searchParams }: URL): number => Number(searchParams.get("shards") ?? 1);

function namespaceOf(env: Env, searchParams: URLSearchParams) {
  if (searchParams.has("archiving")) return env.ARCHIVING;
  return searchParams.has("short") ? env.SHORT : env.FAULTY;
}

function stubOf(env: Env, { searchParams }: URL): Stub {
  const namespace = namespaceOf(env, searchParams);
  const untyped = namespace as unknown as { getByName(name: string): Stub };
  return untyped.getByName(searchParams.get("object") ?? "isotel-0");
}

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"));

/** The options of a scrape that stand in its address. */
function scrapeOptions(env: Env, url: URL): MetricsResponseOptions {
  const { searchParams } = url;
  const text = (name: string): Record<string, string> => {
    const value = searchParams.get(name);
    return value === null ? {} : { [name]: value };
  };
  return {
    ...(!searchParams.has("no_aggregator") && {
      aggregator: namespaceOf(env, searchParams),
    }),
    ...(!searchParams.has("no_kv") && {
      kv: searchParams.has("short") ? env.SHORT_KV : env.TELEMETRY_KV,
    }),
    ...(text("source") as { source?: "kv" | "durable-object" }),
    ...text("scrapeToken"),
    ...text("scheme"),
    ...text("cors"),
    public: searchParams.has("public"),
    shards: shardsOf(url),
  };
}

const table: Readonly<Record<string, Route>> = {
  "/metrics": (request, env, url) => metricsResponse(request, scrapeOptions(env, url)),

  // What metricsResponse answers, before anything on the way to the client changes it.
  "/inspect": async (request, env, url) => {
    const init = await request.json<RequestInit>();
    const scrape = new Request("https://shop.example/metrics", init);
    const response = await metricsResponse(scrape, scrapeOptions(env, url));
    const body = await response.arrayBuffer();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(body).toString("base64"),
    };
  },

  // Answers in text, one for each encoding, that are read only after others were made.
  "/read_late": async (request, env, url) => {
    const answer = (headers: Record<string, string>) => {
      const scrape = new Request("https://shop.example/metrics", { headers });
      return metricsResponse(scrape, scrapeOptions(env, url));
    };
    const json = { accept: "application/json" };
    const encodings = await request.json<string[]>();
    await answer(json);
    const responses: Response[] = [];
    for (const encoding of encodings) responses.push(await answer({ "accept-encoding": encoding }));
    await answer(json);
    const bodies = await Promise.all(responses.map((response) => response.arrayBuffer()));
    return bodies.map((body) => Buffer.from(body).toString("base64"));
  },

  "/apply": async (request, env, url) => {
    const frames = await request.json<string[]>();
    return stubOf(env, url).apply(frames.map(bytesOf));
  },

  "/break": (_request, env, url) => stubOf(env, url).break(url.searchParams.get("fault") as Fault),

  "/writes": (_request, env, url) => stubOf(env, url).writes(),

  "/exec": async (request, env, url) => stubOf(env, url).exec(await request.text()),

  "/alarm": (_request, env, url) => stubOf(env, url).alarmUnixMs(),

  "/delete_alarm": (_request, env, url) => stubOf(env, url).deleteAlarm(),

  // The queue handler, called as the runtime does: the local queue is serial and delivers once.
  "/queue": async (request, env, url) => {
    const messages = await request.json<TestMessage[]>();
    return env.SELF.queue(
      url.searchParams.get("name") ?? `telemetry-${shardsOf(url)}`,
      messages.map(({ frame, attempts = 1 }, index) => ({
        id: String(index),
        timestamp: new Date(),
        body: frame === null ? "no bytes" : bytesOf(frame),
        attempts,
      })),
    );
  },

  "/send": async (request, env, { searchParams }) => {
    const frames = await request.json<string[]>();
    const queue = searchParams.has("hasty") ? env.HASTY_QUEUE : env.TELEMETRY_QUEUE;
    await queue.sendBatch(
      frames.map((frame) => ({ body: bytesOf(frame), contentType: "bytes" as const })),
    );
  },

  "/kv": async (_request, env, url) => {
    const key = `isotel/snapshot/${url.searchParams.get("object") ?? "isotel-0"}`;
    const { value, metadata } = await env.TELEMETRY_KV.getWithMetadata(key, "arrayBuffer");
    return { bytes: value === null ? null : Buffer.from(value).toString("base64"), metadata };
  },

  "/put_kv": async (request, env, url) => {
    const key = `isotel/snapshot/${url.searchParams.get("object") ?? "isotel-0"}`;
    const bytes = await request.json<string | null>();
    if (bytes === null) await env.TELEMETRY_KV.delete(key);
    else await env.TELEMETRY_KV.put(key, bytesOf(bytes), { metadata: { version: 1 } });
  },
};

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const route = table[url.pathname];
    if (route === undefined) return new Response(`no route ${url.pathname}`, { status: 404 });
    try {
      const answer = await route(request, env, url);
      return answer instanceof Response ? answer : Response.json(answer ?? null);
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },

  async queue(batch, env) {
    const shards = Number(/-(\d+)/.exec(batch.queue)?.[1] ?? 1);
    await consumeTelemetry(batch, { aggregator: env.FAULTY, shards });
  },
} satisfies ExportedHandler<Env>;
