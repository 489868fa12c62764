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

/** The handle type of a metric definition. Without labels, the methods of the handle take no label values. */
export type MetricOf<D> =
  D extends MetricDefinition<infer T, infer L>
    ? [L] extends [never]
      ? BoundHandles[T]
      : LabelledHandles<L>[T]
    : never;

/** Handles of metrics, by the keys of `defineMetrics`. */
export type Metrics<D> = { readonly [K in keyof D]: MetricOf<D[K]> };

type Definitions = Readonly<Record<string, MetricDefinition<MetricType, string>>>;

/**
 * Defines the metrics of a Worker and returns a handle for each. Call it at the top level of a module, and record in
 * handlers.
 *
 * ```ts
 * const metrics = defineMetrics({ orders: counter("shop_orders", { labels: ["plan"] }) });
 * metrics.orders.add(1, { plan: "pro" });
 * ```
 *
 * Recording never throws. A value or label of a wrong type is dropped, counted, and logged once per metric.
 *
 * @throws TypeError if another definition of a name differs, or if an entry is not a metric definition.
 */
export function defineMetrics<const D extends Definitions>(definitions: D): Metrics<D> {
  return defineMetricsIn(workersMeter(), definitions);
}

/** Like {@link defineMetrics}, for a given meter. */
export function defineMetricsIn<const D extends Definitions>(
  meter: Meter,
  definitions: D,
): Metrics<D> {
  const handles = Object.entries(definitions).map(([key, definition]) => {
    if (typeof definition?.declaration?.name !== "string") {
      throw new TypeError(
        `isotel: ${JSON.stringify(key)} of defineMetrics() is ${shapeOf(definition)}; it has to be ` +
          "a result of counter(), gauge(), histogram() or exponentialHistogram()",
      );
    }
    const family = meter.define(definition.declaration);
    family.showAtZero(definition.zeros);
    return [key, handleOf(family)];
  });
  return Object.fromEntries(handles) as Metrics<D>;
}
