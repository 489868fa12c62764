import { consumeTelemetry, metricsResponse, TelemetryAggregator } from "isotel/aggregator";
import { routes } from "../../harness/routes.ts";

export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
}

/** What the newest deployment says. */
let shards = 1;
/** Whether batches fail after their frames are stored. They are delivered again. */
let isFaulty = true;
const counts = { failed: 0, acknowledged: 0 };

const handler = routes({
  "/deploy": (url) => {
    shards = Number(url.searchParams.get("shards"));
  },
  "/mend": () => {
    isFaulty = false;
  },
  "/counts": () => counts,
});

export default {
  fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/metrics" && handler.fetch) return handler.fetch(request, env, ctx);
    const aggregator = env.TELEMETRY;
    const count = Number(searchParams.get("shards"));
    return metricsResponse(request, { aggregator, public: true, shards: count });
  },

  async queue(batch, env) {
    await consumeTelemetry(batch, { aggregator: env.TELEMETRY, shards });
    if (isFaulty) {
      counts.failed += batch.messages.length;
      throw new Error("the consumer failed after it was done");
    }
    counts.acknowledged += batch.messages.length;
  },
} satisfies ExportedHandler<Env>;
