import { Histogram, Registry } from "prom-client";
import { latency } from "../metrics_data.ts";

/** The histogram of the benchmarks in a new registry. */
export function promClientHistogram(): {
  readonly registry: Registry;
  readonly histogram: Histogram<"route" | "status">;
} {
  const registry = new Registry();
  const { name, help, labelNames, bounds } = latency;
  const histogram = new Histogram({
    name,
    help,
    labelNames,
    buckets: [...bounds],
    registers: [registry],
  });
  return { registry, histogram };
}
