// The same metrics as OpenTelemetry's own exporter is given them.
import { type HrTime, ValueType } from "@opentelemetry/api";
import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { MetricKind } from "../../bindings/core/abi.gen.ts";
import type { SnapshotRequest } from "../../bindings/metrics_export/encode_part.ts";

export interface Family {
  readonly kind: keyof typeof MetricKind;
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly labels: readonly string[];
  readonly bounds?: readonly number[];
  readonly schema?: number;
}

/** A metric as OpenTelemetry's SDK collects it. */
export interface CollectedMetric {
  readonly family: Family;
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, string | boolean>>;
    readonly startUnixMs: number;
    readonly unixMs: number;
    readonly value: unknown;
  }[];
}

const pointTypes = {
  counter: DataPointType.SUM,
  gaugeLast: DataPointType.GAUGE,
  histogram: DataPointType.HISTOGRAM,
  exponentialHistogram: DataPointType.EXPONENTIAL_HISTOGRAM,
} as const;

export function encodeMetrics(
  metrics: readonly CollectedMetric[],
  { resource, scope, temporality }: SnapshotRequest,
): Uint8Array {
  const collected = metrics.map(({ family, points }) => ({
    descriptor: {
      name: family.name,
      description: family.help,
      unit: family.unit,
      valueType: ValueType.DOUBLE,
    },
    dataPointType: pointTypes[family.kind as keyof typeof pointTypes],
    aggregationTemporality:
      temporality === "delta" ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    isMonotonic: true,
    dataPoints: points.map(({ attributes, startUnixMs, unixMs, value }) => ({
      attributes,
      startTime: hrTime(startUnixMs),
      endTime: hrTime(unixMs),
      value,
    })),
  }));
  return ProtobufMetricsSerializer.serializeRequest({
    resource: resourceFromAttributes(resource as Record<string, string>),
    scopeMetrics: [{ scope, metrics: collected }],
  } as unknown as ResourceMetrics) as Uint8Array;
}

function hrTime(unixMs: number): HrTime {
  return [Math.trunc(unixMs / 1000), (unixMs % 1000) * 1e6];
}
