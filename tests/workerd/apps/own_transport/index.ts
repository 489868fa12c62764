// A Worker that transports and serves its metrics itself, in wrapped classes, each of which would measure that.
import "isotel/metrics";
import { WorkerEntrypoint } from "cloudflare:workers";
import { type TelemetryOptions, withTelemetry } from "isotel";
import { consumeTelemetry, metricsResponse, TelemetryAggregator } from "isotel/aggregator";
import { counter, defineMetrics } from "isotel/metrics";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly TELEMETRY_QUEUE: Queue;
}

const options = ({ TELEMETRY_QUEUE: queue }: Env): TelemetryOptions => ({
  metrics: { queue, flushIntervalMs: 100 },
});

const { visits } = defineMetrics({ visits: counter("visits") });

class Entrypoint extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/metrics") {
      return metricsResponse(request, { aggregator: this.env.TELEMETRY, public: true });
    }
    visits.add();
    return new Response("ok");
  }

  override queue(batch: MessageBatch): Promise<void> {
    return consumeTelemetry(batch, { aggregator: this.env.TELEMETRY });
  }
}

export const Aggregator = withTelemetry(class extends TelemetryAggregator {}, options);
export default withTelemetry(Entrypoint, options);
