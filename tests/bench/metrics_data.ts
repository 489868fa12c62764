/** The metric that both sides of every benchmark record: a histogram of 12 buckets, the last one up to infinity. */
export const latency = {
  name: "http_server_duration_seconds",
  help: "Duration of requests.",
  labelNames: ["route", "status"],
  bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
} as const;

/** A label set of the histogram. */
export interface LatencyLabels {
  readonly route: string;
  readonly status: string;
}

/** Returns `count` different label sets, as objects that stay alive. */
export function labelSets(count: number, first = 0): LatencyLabels[] {
  return Array.from({ length: count }, (_, index) => ({
    route: `/api/v1/resource/${first + index}`,
    status: "200",
  }));
}

/** Values for every bucket, in an order that branch prediction cannot learn. */
export const latencies: readonly number[] = Array.from({ length: 1024 }, (_, index) => {
  const spread = ((index * 389) % 1024) / 1024;
  return 0.001 * 20_000 ** spread;
});
