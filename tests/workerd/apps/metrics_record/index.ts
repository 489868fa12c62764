import { DurableObject } from "cloudflare:workers";
import { tracer, withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { counter, defineMetrics, exponentialHistogram, gauge, histogram } from "isotel/metrics";
import { type Fault, observed, setFault, takeSent } from "./queue_double.ts";

export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
  readonly TELEMETRY_KV: KVNamespace;
  readonly TELEMETRY_QUEUE: Queue;
  readonly ROOM: DurableObjectNamespace;
  readonly TRANSPORT?: "queue" | "aggregator";
  readonly SHARDS?: number;
  readonly INTERVAL_MS: number;
}

const metrics = defineMetrics({
  orders: counter("shop_orders", { help: "Orders.", labels: ["plan"] }),
  visits: counter("shop_visits"),
  load: gauge("shop_load", { aggregate: "sum" }),
  size: histogram("shop_order_size", { unit: "By", bounds: [1, 10, 100], labels: ["plan"] }),
  wait: exponentialHistogram("shop_wait", { unit: "s" }),
});

const options = (env: Env) => ({
  metrics: {
    queue: observed(env.TELEMETRY_QUEUE),
    aggregator: env.TELEMETRY,
    kv: env.TELEMETRY_KV,
    public: true,
    source: "durable-object" as const,
    flushIntervalMs: env.INTERVAL_MS,
    route: ({ url }: Request) =>
      new URL(url).pathname.startsWith("/order") ? "/order" : undefined,
    ...(env.TRANSPORT && { transport: env.TRANSPORT }),
    ...(env.SHARDS && { shards: env.SHARDS }),
  },
});

/** Records on its own, in invocations of its own. */
class RoomClass extends DurableObject<Env> {
  async visit(times: number): Promise<number> {
    for (let i = 0; i < times; i += 1) metrics.visits.add();
    return times;
  }
}
export const Room = withTelemetry(RoomClass, options);

type Route = (url: URL, env: Env, ctx: ExecutionContext) => unknown;

const number = (url: URL, name: string, otherwise: number) =>
  Number(url.searchParams.get(name) ?? otherwise);

const routes: Readonly<Record<string, Route>> = {
  "/order": async (url) => {
    const plan = url.searchParams.get("plan") ?? "free";
    for (let i = number(url, "times", 1); i > 0; i -= 1) {
      metrics.orders.add(1, { plan });
      metrics.size.record(i, { plan });
    }
    await scheduler.wait(number(url, "ms", 0));
    return "ordered";
  },

  // What is recorded long after the response.
  "/order_later": (url, _env, ctx) => {
    const record = async () => {
      await scheduler.wait(number(url, "ms", 50));
      metrics.orders.add(1, { plan: "later" });
    };
    ctx.waitUntil(record());
    return "ordered";
  },

  // A response whose body goes on, and records, for as long as it is read.
  "/stream": (url) => {
    const chunks = number(url, "chunks", 5);
    let sent = 0;
    const body = new ReadableStream({
      async pull(controller) {
        await scheduler.wait(number(url, "ms", 100));
        metrics.orders.add(1, { plan: "streamed" });
        controller.enqueue(new TextEncoder().encode(`${sent} `));
        sent += 1;
        if (sent === chunks) controller.close();
      },
    });
    return new Response(body, { headers: { "content-encoding": "identity" } });
  },

  "/load": (url) => metrics.load.set(number(url, "value", 1)),
  "/wait": (url) => metrics.wait.record(number(url, "value", 1)),

  "/many": (url) => {
    const count = number(url, "count", 1000);
    for (let i = 0; i < count; i += 1) metrics.orders.add(1, { plan: `${i}`.padStart(300, "p") });
  },

  "/wrong": () => {
    metrics.orders.add("one" as never, { plan: "wrong" });
    metrics.orders.add(-1, { plan: "wrong" });
    metrics.orders.add(1, {} as never);
    metrics.orders.add(1, null as never);
  },

  "/visit": (url, env) => {
    const room = env.ROOM as unknown as { getByName(name: string): { visit(n: number): unknown } };
    return room.getByName("room").visit(number(url, "times", 1));
  },

  "/throw": () => {
    throw new RangeError("no luck");
  },
  "/fail": () => new Response("no", { status: 503 }),

  "/fault": (url) => setFault(url.searchParams.get("fault") as Fault),
  "/sent": () => takeSent(),
  "/diagnostics": () => tracer.diagnostics(),
};

export default withTelemetry(
  {
    async fetch(request, env, ctx): Promise<Response> {
      const url = new URL(request.url);
      const route = routes[url.pathname];
      if (route === undefined) return new Response("no such route", { status: 404 });
      const answer = await route(url, env, ctx);
      return answer instanceof Response ? answer : Response.json(answer ?? null);
    },
  } satisfies ExportedHandler<Env>,
  options,
);
