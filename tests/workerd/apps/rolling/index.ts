import { DurableObject } from "cloudflare:workers";
import * as nowIsotel from "isotel";
import * as nowAggregator from "isotel/aggregator";
import * as nowMetrics from "isotel/metrics";
import * as nextIsotel from "isotel-next";
import * as nextAggregator from "isotel-next/aggregator";
import * as nextMetrics from "isotel-next/metrics";

/** Both releases, whole, in one Worker: each has modules, an isolate's core and a producer of its own. */
const releases = {
  now: { ...nowIsotel, ...nowAggregator, ...nowMetrics },
  next: { ...nextIsotel, ...nextAggregator, ...nextMetrics },
} as const;

export type Release = keyof typeof releases;

/** Which release consumes the queue, answers scrapes and adds up. The object takes another with its next life. */
let deployed: Release = "now";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace<Aggregator>;
  readonly TELEMETRY_KV: KVNamespace;
  readonly TELEMETRY_QUEUE: Queue;
  readonly TRANSPORT: "queue" | "aggregator";
}

/** What isotel has said, either release. */
const said: string[] = [];
console.error = console.warn = (...parts: unknown[]): void => {
  said.push(parts.map(String).join(" "));
};

/** The aggregator of the release that is deployed. */
export class Aggregator extends DurableObject<Env> {
  readonly #released: nowAggregator.TelemetryAggregator;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#released = new releases[deployed].TelemetryAggregator(ctx, env);
  }

  apply(frames: Uint8Array[]): Promise<number[]> {
    return this.#released.apply(frames);
  }

  snapshot(): Promise<Uint8Array> {
    return this.#released.snapshot();
  }

  override alarm(): Promise<void> {
    return this.#released.alarm();
  }

  /** Every byte that is stored. */
  stored(): unknown[] {
    return this.ctx.storage.sql.exec("SELECT id, hex(bytes) FROM isotel_chunks").toArray();
  }
}

const options = (env: Env) => ({
  metrics: {
    queue: env.TELEMETRY_QUEUE,
    aggregator: env.TELEMETRY,
    transport: env.TRANSPORT,
    flushIntervalMs: 200,
  },
});

/** A Worker of a release that counts orders. */
function producerOf(release: Release) {
  const { withTelemetry, defineMetrics, counter } = releases[release];
  const { orders } = defineMetrics({ orders: counter("orders") });
  const handler = {
    async fetch(request: Request, _env: Env, _ctx: ExecutionContext): Promise<Response> {
      orders.add(Number(new URL(request.url).searchParams.get("count")));
      return new Response("counted");
    },
  };
  return withTelemetry(handler, options);
}

const producers = { now: producerOf("now"), next: producerOf("next") };

const releaseOf = ({ searchParams }: URL): Release =>
  searchParams.get("release") === "next" ? "next" : "now";

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/count":
        return await producers[releaseOf(url)].fetch(request, env, ctx);
      case "/deploy":
        deployed = releaseOf(url);
        return new Response("deployed");
      case "/metrics":
        return releases[deployed].metricsResponse(request, {
          aggregator: env.TELEMETRY,
          kv: env.TELEMETRY_KV,
          source: url.searchParams.has("kv") ? "kv" : "durable-object",
          public: true,
        });
      case "/stored":
        return Response.json(await env.TELEMETRY.getByName("isotel-0").stored());
      default:
        return Response.json(said);
    }
  },

  queue: (batch: MessageBatch, env: Env) =>
    releases[deployed].consumeTelemetry(batch, { aggregator: env.TELEMETRY }),
};
