import { withTelemetry } from "isotel";
import { TelemetryAggregator as Aggregator } from "isotel/aggregator";
import { counter, defineMetrics } from "isotel/metrics";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly TELEMETRY_QUEUE: Queue;
  readonly ORDERS: Queue;
  readonly QUEUE_NAME?: string;
}

let isBroken = true;

/** The class of `isotel init`, which fails until it is repaired. */
export class TelemetryAggregator extends Aggregator {
  override async apply(frames: Uint8Array[]): Promise<number[]> {
    if (isBroken) throw new Error("broken");
    return super.apply(frames);
  }
}

/** The queues whose batches the runtime delivered, and the bodies that the Worker's own handler was given. */
const delivered = new Set<string>();
const own: unknown[] = [];

const { orders } = defineMetrics({ orders: counter("orders") });

const worker = withTelemetry(
  {
    async fetch(request: Request, env: Env, _ctx: ExecutionContext): Promise<Response> {
      const url = new URL(request.url);
      if (url.pathname === "/count") orders.add(Number(url.searchParams.get("count")));
      if (url.pathname === "/order") {
        await env.ORDERS.send(new Uint8Array([1, 2, 3]), { contentType: "bytes" });
      }
      if (url.pathname === "/repair") isBroken = false;
      return Response.json({ delivered: [...delivered], own });
    },
    async queue(batch: MessageBatch, _env: Env, _ctx: ExecutionContext): Promise<void> {
      if (batch.queue === "orders") throw new Error("the order fails");
      for (const { body } of batch.messages) {
        own.push([...new Uint8Array(body as ArrayBuffer)]);
      }
    },
  },
  (env: Env) => ({
    metrics: {
      queue: env.TELEMETRY_QUEUE,
      aggregator: env.TELEMETRY,
      source: "durable-object",
      public: true,
      flushIntervalMs: 1000,
      ...(env.QUEUE_NAME && { queueName: env.QUEUE_NAME }),
    },
  }),
);

export default {
  ...worker,
  queue(batch: MessageBatch, env: Env, ctx: ExecutionContext): unknown {
    delivered.add(batch.queue);
    return worker.queue(batch, env, ctx);
  },
};
