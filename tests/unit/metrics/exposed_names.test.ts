import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import {
  counter,
  exponentialHistogram,
  gauge,
  histogram,
  type MetricDefinition,
} from "../../../bindings/metrics/definitions.ts";
import { exposedNames } from "../../../bindings/metrics/exposed_names.ts";
import { metering } from "../support/metering.ts";

const kinds: Readonly<Record<string, (name: string, unit: string) => MetricDefinition>> = {
  counter: (name, unit) => counter(name, { unit }),
  gauge: (name, unit) => gauge(name, { unit }),
  "gauge of sums": (name, unit) => gauge(name, { unit, aggregate: "sum" }),
  histogram: (name, unit) => histogram(name, { unit, bounds: [1] }),
  exponential: (name, unit) => exponentialHistogram(name, { unit }),
};

const names = [
  ..."a a_b a.b a:b 1x _total x_total é é_total dur dur_total foo foo_created foo_total foo_bucket".split(
    " ",
  ),
  ..."g g_seconds g_total_seconds g_seconds_total _seconds seconds g_ratio 😀 a-1 a\u00b7b".split(
    " ",
  ),
];
const units = ["", "s", "1", "By", "{x}", "m/s", "°", "ratio", "seconds", "%", "😀", "constructor"];

/** The names of families and samples in an exposition with nothing but this metric and those of isotel. */
function shownNames(definition: MetricDefinition): string[] {
  const { meter, collect } = metering();
  const { metric } = defineMetricsIn(meter, { metric: definition });
  for (const method of ["add", "set", "record"]) {
    (metric as unknown as Record<string, ((value: number) => void) | undefined>)[method]?.(1);
  }
  const shown = new Set<string>();
  for (const line of collect().text.split("\n")) {
    const name = /^(?:# TYPE )?([^\s{#]+)/.exec(line)?.[1];
    if (name !== undefined && !name.startsWith("isotel_")) shown.add(name);
  }
  return [...shown].sort();
}

describe("the names that a metric has in an exposition", () => {
  test("are those that the exposition shows, for every kind, name and unit", () => {
    let count = 0;
    for (const [kind, define] of Object.entries(kinds)) {
      for (const name of names) {
        for (const unit of units) {
          const definition = define(name, unit);
          const expected = shownNames(definition);
          assert.notEqual(expected.length, 0);
          const what = `${kind} ${JSON.stringify(name)} in ${JSON.stringify(unit)}`;
          assert.deepEqual(exposedNames(definition.declaration).sort(), expected, what);
          count += 1;
        }
      }
    }
    assert.equal(count, Object.keys(kinds).length * names.length * units.length);
  });
});

describe("two metrics of a Worker that would have one name in an exposition", () => {
  const pairs: readonly (readonly [MetricDefinition, MetricDefinition, string])[] = [
    [counter("a.b"), counter("a_b"), "a_b"],
    [counter("events"), counter("events_total"), "events"],
    [gauge("g", { unit: "s" }), gauge("g_seconds"), "g_seconds"],
    [counter("foo"), gauge("foo_created"), "foo_created"],
    [gauge("foo_total"), counter("foo"), "foo_total"],
    [histogram("hh", { bounds: [1] }), gauge("hh_count"), "hh_count"],
    [histogram("hh", { bounds: [1] }), counter("hh_sum"), "hh_sum"],
    [exponentialHistogram("hh"), gauge("hh.bucket"), "hh_bucket"],
    // An OpenMetrics family of a counter has the name without `_total`.
    [histogram("dur_total", { bounds: [1] }), counter("dur"), "dur_total"],
    [counter("orders_total"), gauge("orders"), "orders"],
  ];
  for (const [one, other, shown] of pairs) {
    const [oneName, otherName] = [one.declaration.name, other.declaration.name];
    test(`${oneName} and ${otherName} are refused with both names`, () => {
      const { meter } = metering();
      defineMetricsIn(meter, { one });
      const message =
        `isotel: the metrics "${oneName}" and "${otherName}" would both have "${shown}" in an exposition; ` +
        "rename one of them";
      assert.throws(() => defineMetricsIn(meter, { other }), { name: "TypeError", message });
      // The refused one occupies nothing.
      defineMetricsIn(meter, { one, third: gauge("third") });
      defineMetricsIn(metering().meter, { other });
    });
  }

  test("are not refused where the names only look alike", () => {
    const { meter, warnings } = metering();
    defineMetricsIn(meter, {
      a: counter("job_runs_total"),
      b: counter("job_runs_seconds"),
      c: gauge("job_runs_sum"),
      d: gauge("job_runs_count"),
      e: histogram("job", { bounds: [1], unit: "s" }),
      f: gauge("job_seconds_max"),
    });
    assert.deepEqual(warnings, []);
  });
});
