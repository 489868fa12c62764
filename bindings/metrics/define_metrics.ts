import { shapeOf } from "../base/values.ts";
import type { MetricDefinition, MetricType } from "./definitions.ts";
import {
  type BoundCounter,
  type BoundGauge,
  type BoundHistogram,
  type Counter,
  type Gauge,
  type Histogram,
  handleOf,
} from "./handles.ts";
import { workersMeter } from "./isolate_metrics.ts";
import type { Meter } from "./meter.ts";

interface BoundHandles {
  readonly counter: BoundCounter;
  readonly gauge: BoundGauge;
  readonly histogram: BoundHistogram;
}

interface LabelledHandles<L extends string> {
  readonly counter: Counter<L>;
  readonly gauge: Gauge<L>;
  readonly histogram: Histogram<L>;
}

/** What a metric of a definition is recorded with; without labels there are none to give. */
export type MetricOf<D> =
  D extends MetricDefinition<infer T, infer L>
    ? [L] extends [never]
      ? BoundHandles[T]
      : LabelledHandles<L>[T]
    : never;

/** Metrics by the names they were given in the code. */
export type Metrics<D> = { readonly [K in keyof D]: MetricOf<D[K]> };

type Definitions = Readonly<Record<string, MetricDefinition<MetricType, string>>>;

/**
 * Defines the metrics of a Worker, where its modules are loaded. Recording is done in handlers.
 *
 * ```ts
 * const metrics = defineMetrics({ orders: counter("shop_orders", { labels: ["plan"] }) });
 * metrics.orders.add(1, { plan: "pro" });
 * ```
 *
 * Recording never throws: what is of a wrong type at run time is counted and left out, with one warning.
 *
 * @throws TypeError when a name is taken by a different metric, or an entry is none.
 */
export function defineMetrics<const D extends Definitions>(definitions: D): Metrics<D> {
  return defineMetricsIn(workersMeter(), definitions);
}

/** {@link defineMetrics} for a meter of one's own. */
export function defineMetricsIn<const D extends Definitions>(
  meter: Meter,
  definitions: D,
): Metrics<D> {
  const handles = Object.entries(definitions).map(([key, definition]) => {
    if (typeof definition?.declaration?.name !== "string") {
      throw new TypeError(
        `isotel: defineMetrics was given ${shapeOf(definition)} as ${JSON.stringify(key)}; ` +
          "it takes what counter(), gauge(), histogram() and exponentialHistogram() return",
      );
    }
    return [key, handleOf(meter.define(definition.declaration))];
  });
  return Object.fromEntries(handles) as Metrics<D>;
}
