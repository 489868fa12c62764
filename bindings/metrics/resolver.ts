import { shapeOf } from "../base/values.ts";
import { isIntegerIn, perDecadeBounds } from "./bounds.ts";
import { defineMetricsIn } from "./define_metrics.ts";
import { counter, gauge, histogram } from "./definitions.ts";
import { workersMeter } from "./isolate_metrics.ts";
import type { Meter } from "./meter.ts";

/** The values of the label `reason`: why a flag was resolved to its result. */
export const resolveReasons = [
  "UNSPECIFIED",
  "MATCH",
  "NO_SEGMENT_MATCH",
  "NO_TREATMENT_MATCH",
  "FLAG_ARCHIVED",
  "TARGETING_KEY_ERROR",
  "ERROR",
  "UNRECOGNIZED_TARGETING_RULE",
  "MATERIALIZATION_NOT_SUPPORTED",
  "TYPE_MISMATCH",
  "FLAG_NOT_FOUND",
] as const;

/** One of {@link resolveReasons}. */
export type ResolveReason = (typeof resolveReasons)[number];

/** Options of {@link resolverMetrics}. */
export interface ResolverMetricsOptions {
  /** The value of the label `resolver_id` of every series. */
  readonly resolverId: string;
  /** Latency buckets per power of ten, 1 to 18. Default: 18. */
  readonly bucketsPerDecade?: number;
  /** Whether to also record `confidence_resolve_latency_seconds`, in Prometheus's base unit. Default: false. */
  readonly baseUnits?: boolean;
}

/** The metrics of one feature-flag resolver. */
export interface ResolverMetrics {
  /**
   * Records a resolve. Call it from `waitUntil`, so that the hot path only takes two timestamps.
   *
   * @param microseconds the duration of the resolve. Undefined if unknown.
   * @param reason one of {@link resolveReasons}. Other values count as `UNSPECIFIED`.
   */
  resolved(microseconds: number | undefined, reason: ResolveReason): void;
  /** Records the memory of the resolver, in bytes. */
  memory(bytes: number): void;
}

const latencyHelp = "Latency of flag resolve operations";
/** 1 µs to 10,000 s. */
const decades = 10;
const microsecondsPerSecond = 1e6;
const known: ReadonlySet<string> = new Set(resolveReasons);

/**
 * Defines the metrics of a feature-flag resolver: `confidence_resolve_latency_microseconds`,
 * `confidence_resolves_total` with the label `reason`, and `confidence_memory_bytes`. Each has the label `resolver_id`.
 * Bucket bounds are inclusive, as in Prometheus.
 *
 * @throws TypeError if an option is invalid. Names the option, the shape of its value and the rule.
 */
export function resolverMetrics(options: ResolverMetricsOptions): ResolverMetrics {
  return resolverMetricsIn(workersMeter(), options);
}

/** Like {@link resolverMetrics}, for a given meter. */
export function resolverMetricsIn(meter: Meter, options: ResolverMetricsOptions): ResolverMetrics {
  const { resolverId, bucketsPerDecade = 18, baseUnits = false } = options;
  const isId = typeof resolverId === "string" && resolverId !== "";
  check(isId, "resolverId", resolverId, "a string that is not empty");
  const isCount = isIntegerIn(bucketsPerDecade, 1, 18);
  check(isCount, "bucketsPerDecade", bucketsPerDecade, "an integer from 1 to 18");
  const metrics = defineMetricsIn(meter, {
    latency: histogram("confidence_resolve_latency_microseconds", {
      help: `${latencyHelp} in microseconds.`,
      labels: ["resolver_id"],
      bounds: perDecadeBounds(0, decades, bucketsPerDecade),
    }),
    resolves: counter("confidence_resolves", {
      help: "Total number of flag resolve operations.",
      labels: ["reason", "resolver_id"],
    }),
    memory: gauge("confidence_memory_bytes", {
      help: "Memory of the flag resolver in bytes.",
      labels: ["resolver_id"],
      aggregate: "max",
    }),
  });
  const resolver_id = resolverId;
  const latency = metrics.latency.bind({ resolver_id });
  const memory = metrics.memory.bind({ resolver_id });
  const seconds = baseUnits ? latencyInSeconds(meter, bucketsPerDecade, resolverId) : undefined;
  return {
    resolved(microseconds, reason) {
      if (microseconds !== undefined) {
        latency.record(microseconds);
        seconds?.record(microseconds / microsecondsPerSecond);
      }
      metrics.resolves.add(1, { reason: known.has(reason) ? reason : "UNSPECIFIED", resolver_id });
    },
    memory: (bytes) => memory.set(bytes),
  };
}

function latencyInSeconds(meter: Meter, bucketsPerDecade: number, resolverId: string) {
  const { latency } = defineMetricsIn(meter, {
    latency: histogram("confidence_resolve_latency", {
      help: `${latencyHelp}.`,
      unit: "s",
      labels: ["resolver_id"],
      bounds: perDecadeBounds(-6, decades, bucketsPerDecade),
    }),
  });
  return latency.bind({ resolver_id: resolverId });
}

function check(isValid: boolean, field: string, value: unknown, rule: string): void {
  if (isValid) return;
  throw new TypeError(
    `isotel: ${field} of resolverMetrics() is ${shapeOf(value)}; it has to be ${rule}`,
  );
}
