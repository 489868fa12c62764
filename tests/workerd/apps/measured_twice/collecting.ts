// The collector of the Worker beside it, with the aggregator both send to.
import "isotel/metrics";
import { collector } from "isotel/collector";

export { TelemetryAggregator } from "isotel/aggregator";

interface Env {
  readonly AGAIN: string;
  readonly TELEMETRY_QUEUE: Queue;
  readonly TELEMETRY: DurableObjectNamespace;
}

export default collector(({ AGAIN, TELEMETRY_QUEUE, TELEMETRY }: Env) => ({
  metrics: {
    queue: TELEMETRY_QUEUE,
    aggregator: TELEMETRY,
    public: true,
    flushIntervalMs: 200,
    measuresAgain: AGAIN === "yes",
    route: ({ url }) => (new URL(url).hostname === "127.0.0.1" ? "/measured" : "/provider"),
  },
}));
