import type { Conflict, Notices, Overflow } from "./totals/aggregate.ts";

const seeDocs =
  'see "When a definition changes" in docs/metrics-endpoint.md. npx isotel metrics list shows them.';

/** Returns a line for the console for each notice. */
export function linesOf({ conflicts, overflowed }: Notices, shard: string): string[] {
  const lines = conflicts.map(conflictLine);
  if (overflowed !== null) lines.push(overflowLine(overflowed, shard));
  return lines;
}

function conflictLine({ metric, kind, other, otherKind }: Conflict): string {
  if (metric === other && kind === otherKind) {
    return (
      `isotel: the definition of the metric ${metric} (${word(kind)}) has changed, or two Workers define it ` +
      `differently. Both definitions are kept; ${seeDocs}`
    );
  }
  return (
    `isotel: the metric ${metric} (${word(kind)}) has a name of the metric ${other} (${word(otherKind)}), which ` +
    `another Worker or another version defines. Both are kept; ${seeDocs}`
  );
}

function word(kind: string): string {
  return kind.replace("_", " ");
}

function overflowLine({ metric, series, bytes }: Overflow, shard: string): string {
  return (
    `isotel: the aggregator ${shard} has ${series} series of ${bytes} bytes, and the metric ${metric} has reached a ` +
    'limit. New label sets share the series with the label otel_metric_overflow="true". Use fewer label values, or ' +
    "raise maxSeries, maxSeriesPerMetric or maxBytes of TelemetryAggregator."
  );
}
