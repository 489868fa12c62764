import { flush, withTelemetry } from "isotel";
import { counter, defineMetrics } from "isotel/metrics";

interface Env {
  readonly TELEMETRY_QUEUE: Queue;
  /** Missing in a Worker that does not know the number. */
  readonly SHARDS?: string;
}

const metrics = defineMetrics({ orders: counter("orders") });

const handler = {
  /** Sends one frame. */
  async fetch(request) {
    metrics.orders.add(Number(new URL(request.url).searchParams.get("value")));
    return Response.json(await flush());
  },
} satisfies ExportedHandler<Env>;

export default withTelemetry(handler as ExportedHandler<Env>, (env: Env) => ({
  metrics: {
    queue: env.TELEMETRY_QUEUE,
    ...(env.SHARDS !== undefined && { shards: Number(env.SHARDS) }),
  },
}));
