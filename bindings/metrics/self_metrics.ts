import { MetricKind, Profile } from "../core/abi.gen.ts";
import { builtInDeclaration } from "../core/declaration.ts";
import type { MetricsCore } from "../core/metrics_core.ts";
import type { Series } from "./family.ts";
import type { Meter } from "./meter.ts";

/** How a flush ended. `timeout` if the result is unknown. */
export type FlushResult = "ok" | "error" | "timeout";

/**
 * A counter family of isotel. `counts` has the name of a count for each value of the label, or for "" if there is no
 * label.
 */
export interface SelfMetric {
  readonly name: string;
  readonly help: string;
  readonly label?: string;
  readonly counts: Readonly<Record<string, string>>;
  /** Whether the family belongs to a part that not every Worker carries. It is then shown only if its counts exist. */
  readonly isOptional?: boolean;
}

/** Families of parts that not every Worker carries. */
const furtherMetrics: SelfMetric[] = [];

/** Adds families of another part of the isolate. Call it before the first flush. */
export function provideSelfMetrics(metrics: readonly SelfMetric[]): void {
  furtherMetrics.push(...metrics);
}

/** The families of isotel. Their counts are those of {@link SelfMetrics.totals}. */
const selfMetrics: readonly SelfMetric[] = [
  {
    name: "isotel_core_traps",
    help: "Instances of the core that failed and were replaced.",
    counts: { "": "traps" },
  },
  {
    name: "isotel_swallowed_errors",
    help: "Errors of the runtime or of hooks that were kept from the program.",
    counts: { "": "swallowed_errors" },
  },
  {
    name: "isotel_spans_dropped",
    help: "Spans refused past the limit of an invocation, or given up past that of the isolate.",
    label: "reason",
    counts: { refused: "spans_refused", evicted: "spans_evicted" },
  },
  {
    name: "isotel_spans_truncated",
    help: "Spans that nobody ended, ended with their invocation.",
    counts: { "": "spans_truncated" },
  },
  {
    name: "isotel_attributes_dropped",
    help: "Attributes of spans dropped past a limit or for their type.",
    label: "reason",
    counts: {
      limit: "attributes_dropped_limit",
      bytes: "attributes_dropped_bytes",
      type: "attributes_dropped_type",
    },
  },
  {
    name: "isotel_attributes_cut",
    help: "Attributes of spans that were cut.",
    counts: { "": "attributes_cut" },
  },
  {
    name: "isotel_metrics_records_dropped",
    help: "Records left out for a value or a label that cannot be recorded, or for lack of a core.",
    label: "reason",
    counts: { value: "invalid_values", label: "invalid_labels", core: "lost_records" },
  },
  {
    name: "isotel_metrics_label_sets_overflowed",
    help: "Times a label set past the limit was brought to the overflow series of its metric.",
    counts: { "": "label_sets_overflowed" },
  },
  {
    name: "isotel_metrics_label_values_overflowed",
    help: "Times a label of a built-in metric had more values than maxLabelValues, so that a value became _OTHER.",
    counts: { "": "label_values_overflowed" },
  },
  {
    name: "isotel_texts_overflowed",
    help: "Times a text was not kept for lack of room; as a label of GenAI metrics it is _OTHER.",
    counts: { "": "intern_overflows" },
  },
  {
    name: "isotel_metrics_losses",
    help: "Times what was recorded since the last flush was lost with an instance of the core.",
    counts: { "": "metrics_losses" },
  },
  {
    name: "isotel_otlp_items",
    help: "Spans and log records for an OTLP backend, by what became of them.",
    label: "result",
    counts: {
      accepted: "otlp_accepted",
      queue_full: "otlp_dropped_queue_full",
      too_many: "otlp_dropped_too_many",
      too_large: "otlp_dropped_too_large",
      not_encoded: "otlp_dropped_not_encoded",
      rejected: "otlp_dropped_rejected",
      redirected: "otlp_dropped_redirected",
      unavailable: "otlp_dropped_unavailable",
    },
    isOptional: true,
  },
  {
    name: "isotel_flushes",
    help: "Flushes that sent something, by how they ended.",
    label: "result",
    counts: { ok: "flushes_ok", error: "flushes_error", timeout: "flushes_timeout" },
  },
];

interface Written {
  readonly count: string;
  readonly series: Series;
  total: number;
}

/** Writes the counts of isotel into the isolate's metrics at each flush. */
export class SelfMetrics {
  readonly #meter: Meter;
  readonly #diagnostics: () => Readonly<Record<string, number>>;
  readonly #flushes: Record<FlushResult, number> = { ok: 0, error: 0, timeout: 0 };
  #written: Written[] | undefined;

  /** @param diagnostics returns counts that only grow, over all instances of the core. */
  constructor(meter: Meter, diagnostics: () => Readonly<Record<string, number>>) {
    this.#meter = meter;
    this.#diagnostics = diagnostics;
  }

  countFlush(result: FlushResult): void {
    this.#flushes[result] += 1;
  }

  /** Returns every count by name. */
  totals(): Readonly<Record<string, number>> {
    const { counts, labelValues } = this.#meter;
    const diagnostics = this.#diagnostics();
    return {
      ...diagnostics,
      label_values_overflowed:
        (diagnostics["label_values_overflowed"] ?? 0) + labelValues.overflowed,
      lost_records: counts.lostRecords,
      metrics_losses: counts.losses,
      invalid_values: counts.invalidValues,
      invalid_labels: counts.invalidLabels,
      label_sets_overflowed: counts.labelSetsOverflowed,
      flushes_ok: this.#flushes.ok,
      flushes_error: this.#flushes.error,
      flushes_timeout: this.#flushes.timeout,
    };
  }

  /**
   * Adds the increments since the last flush and moves all changes into frames. An increment counts as written only
   * once it is in a frame, so that a trap neither loses nor repeats it.
   *
   * @returns false if there was no core or it trapped.
   */
  flush(refreshGauges: boolean): boolean {
    const meter = this.#meter;
    const totals = this.totals();
    this.#written ??= this.#define(totals);
    if (totals["label_values_overflowed"] !== 0) this.#warnOfFullLabels();
    const writtenTo = new Map<Written, MetricsCore>();
    for (const written of this.#written) {
      const increment = (totals[written.count] ?? 0) - written.total;
      if (increment <= 0) {
        // Shown as 0 before its first increment. Otherwise a rate would miss the increment.
        written.series.attach();
        continue;
      }
      written.series.record(increment);
      const core = meter.core();
      if (core !== undefined) writtenTo.set(written, core);
    }
    const flushed = meter.flush(refreshGauges);
    for (const [written, core] of writtenTo) {
      if (core === flushed) written.total = totals[written.count] ?? 0;
    }
    return flushed !== undefined;
  }

  #warnOfFullLabels(): void {
    const { host, labelValues } = this.#meter;
    const { max, full } = labelValues;
    const { core } = host;
    const genAi = Array.from(
      core?.fullFields ?? [],
      (field) => `${core?.keyOf(Profile.latest, field)} of the GenAI metrics`,
    );
    // A text that is also a value of another label is not asked for again.
    const labels = full.size + genAi.length > 0 ? [...full, ...genAi] : ["of a GenAI metric"];
    for (const label of labels) {
      this.#meter.warnOnce(
        `values ${label}`,
        `isotel: the label ${label} has more than ${max} values; further ones are _OTHER, and ` +
          "isotel_metrics_label_values_overflowed counts them. Set metrics.maxLabelValues if they are expected",
      );
    }
  }

  #define(totals: Readonly<Record<string, number>>): Written[] {
    return [...selfMetrics, ...furtherMetrics].flatMap(
      ({ name, help, label, counts, isOptional }) => {
        if (isOptional === true && !Object.values(counts).some((count) => count in totals))
          return [];
        const labels = label === undefined ? [] : [label];
        const declaration = builtInDeclaration(MetricKind.counter, name, { help, labels });
        const family = this.#meter.define(declaration);
        return Object.entries(counts).flatMap(([value, count]) => {
          const series =
            label === undefined ? family.onlySeries() : family.seriesOf({ [label]: value });
          return series === undefined ? [] : [{ count, series, total: 0 }];
        });
      },
    );
  }
}
