import type { ReceivedBuckets, ReceivedPoint } from "./metrics.ts";

/** What a series comes to. */
export interface SeriesTotal {
  value: number;
  count: number;
  sum: number;
  /** By the upper bounds of their buckets, which are Infinity for the last. */
  buckets: Record<string, number>;
}

/** Buckets of an exponential histogram at a coarser scale, by their numbers. */
function coarse(
  { offset, counts }: ReceivedBuckets,
  scale: number,
  to: number,
): [number, number][] {
  return counts.map((count, index) => [(offset + index) >> (scale - to), count]);
}

function bucketsOf(point: ReceivedPoint, scale: number): [string, number][] {
  if (point.kind === "histogram") {
    return point.bucketCounts.map((count, index) => [
      String(point.bounds[index] ?? Infinity),
      count,
    ]);
  }
  if (point.kind !== "exponentialHistogram") return [];
  const side = (sign: string, buckets: ReceivedBuckets): [string, number][] =>
    coarse(buckets, point.scale, scale).map(([number, count]) => [sign + number, count]);
  return [["0", point.zeroCount], ...side("p", point.positive), ...side("n", point.negative)];
}

function seriesKey(point: ReceivedPoint): string {
  const labels = Object.entries(point.attributes).map(([key, value]) => `${key}=${value}`);
  return [point.name, ...labels.sort()].join(" ");
}

/**
 * The totals that points come to by their temporality: of cumulative points the last, of deltas the sum. Buckets of
 * exponential histograms are at the coarsest scale there is of their series. Gauges are left out.
 */
export function seriesTotals(points: readonly ReceivedPoint[]): Map<string, SeriesTotal> {
  const scales = new Map<string, number>();
  for (const point of points) {
    const key = seriesKey(point);
    scales.set(key, Math.min(scales.get(key) ?? point.scale, point.scale));
  }
  const totals = new Map<string, SeriesTotal>();
  for (const point of points) {
    if (point.kind === "gauge") continue;
    const key = seriesKey(point);
    const isDelta = point.temporality === 1;
    const before = isDelta ? totals.get(key) : undefined;
    const total: SeriesTotal = before ?? { value: 0, count: 0, sum: 0, buckets: {} };
    total.value += point.value;
    total.count += point.count;
    total.sum += point.sum;
    for (const [bucket, count] of bucketsOf(point, scales.get(key) ?? 0)) {
      if (count > 0) total.buckets[bucket] = (total.buckets[bucket] ?? 0) + count;
    }
    totals.set(key, total);
  }
  return totals;
}
