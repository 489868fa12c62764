// A collector of the Worker beside it. Both send to one aggregator.
import "isotel/metrics";
import { collector } from "isotel/collector";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
}

export default collector(({ TELEMETRY }: Env) => ({
  metrics: { aggregator: TELEMETRY, flushIntervalMs: 100 },
}));
