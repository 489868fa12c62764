import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HttpServerMetrics } from "../../../bindings/metrics/built_in.ts";
import {
  type ConstantLabels,
  readConstantLabels,
} from "../../../bindings/metrics/constant_labels.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { counter, gauge, histogram } from "../../../bindings/metrics/definitions.ts";
import { SelfMetrics } from "../../../bindings/metrics/self_metrics.ts";
import { oddValues } from "../support/hostile.ts";
import { callTool, measuring } from "../support/measuring.ts";
import { type Metering, metering, meteringWithTrapIn } from "../support/metering.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";

function read(value: unknown): [ConstantLabels | undefined, string[]] {
  const reports: string[] = [];
  return [readConstantLabels(value, (message) => reports.push(message)), reports];
}

/** Uses labels that are valid. */
function use({ meter }: Pick<Metering, "meter">, labels: object): void {
  const [constants, reports] = read(labels);
  assert.deepEqual(reports, []);
  meter.useConstantLabels(constants);
}

/** The labels of a counter's only sample, after these are read. */
function shownLabels(labels: unknown): [string | undefined, string[]] {
  const [constants, reports] = read(labels);
  const own = metering();
  own.meter.useConstantLabels(constants);
  const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
  visits.add(1);
  const { text, results } = own.collect();
  assert.deepEqual(results, [0]);
  return [/^visits_total(.*) 1$/m.exec(text)?.[1], reports];
}

const shop = { service: "shop", version: 7 };
const shown = 'service="shop",version="7"';

describe("constant labels", () => {
  test("are on every series: of each kind, with and without labels, and of what overflows", () => {
    const own = metering();
    use(own, shop);
    const metrics = defineMetricsIn(own.meter, {
      visits: counter("visits"),
      orders: counter("orders", { labels: ["plan"], maxLabelSets: 1, zeros: [{ plan: "pro" }] }),
      load: gauge("load"),
      size: histogram("size", { bounds: [1], labels: ["zone"] }),
    });
    metrics.visits.add(1);
    metrics.orders.add(1, { plan: "free" });
    metrics.load.set(3);
    metrics.size.record(1, { zone: "eu" });
    const totals = own.collect();
    assert.equal(totals.sample(`visits_total{${shown}}`), 1);
    assert.equal(totals.sample(`orders_total{plan="pro",${shown}}`), 0);
    assert.equal(totals.sample(`orders_total{otel_metric_overflow="true",${shown}}`), 1);
    assert.equal(totals.sample(`load{${shown}}`), 3);
    assert.equal(totals.sample(`size_bucket{${shown},zone="eu",le="1.0"}`), 1);
    assert.equal(totals.sample("isotel_series"), 5);
  });

  test("that are empty mark no overflow series", () => {
    const own = metering();
    use(own, { a: "", service: "shop" });
    const { orders } = defineMetricsIn(own.meter, {
      orders: counter("orders", { labels: ["plan"], maxLabelSets: 1 }),
    });
    orders.add(1, { plan: "pro" });
    orders.add(2, { plan: "free" });
    const totals = own.collect();
    const overflow = 'orders_total{otel_metric_overflow="true",service="shop"}';
    assert.equal(totals.sample(overflow), 2);
  });

  test("are on the built-in metrics too: requests, AI calls and counts of isotel", () => {
    const own = measuring(new RecordingRuntime());
    use(own, shop);
    const http = new HttpServerMetrics(own.meter);
    const request = { method: "GET", statusCode: "200", route: "", scheme: "https", errorType: "" };
    http.record(request, 1);
    callTool(own.meter.host.core, "search");
    const self = new SelfMetrics(own.meter, () => ({ traps: 2 }));
    self.flush(false);
    const { text } = own.collect();
    assert.match(text, new RegExp(`^isotel_core_traps_total\\{${shown}\\} 2$`, "m"));
    const found = new Set<string>();
    for (const line of text.split("\n")) {
      const [family] =
        /^(http|gen_ai|isotel_(core|flushes|metrics|texts|spans|attributes))/.exec(line) ?? [];
      if (family === undefined) continue;
      assert.match(line, /service="shop"/);
      assert.match(line, /version="7"/);
      found.add(family);
    }
    assert.equal(found.size, 8);
  });

  test("tell apart two Workers with one aggregator", () => {
    const totals = metering().collect();
    let seed = 10;
    for (const [service, orders] of Object.entries({ shop: 2, blog: 5 })) {
      seed += 1;
      const own = metering({ random: (bytes) => void bytes.fill(seed) });
      use(own, { service });
      const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
      visits.add(orders);
      own.meter.flush(false);
      totals.apply(own.meter.outbox.frames);
    }
    assert.equal(totals.sample('visits_total{service="shop"}'), 2);
    assert.equal(totals.sample('visits_total{service="blog"}'), 5);
  });

  test("are set in every later core, and in what a core that traps leaves", () => {
    const own = meteringWithTrapIn("isotel_span_name");
    use(own, shop);
    const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
    visits.add(1);
    own.meter.host.core?.spanName(1, "model");
    assert.equal(own.meter.host.traps, 1);
    visits.add(2);
    const totals = own.collect();
    assert.equal(totals.sample(`visits_total{${shown}}`), 3);
    assert.equal(totals.sample("isotel_series"), 1);
  });

  test("are also on what was recorded before they were known", () => {
    const own = metering();
    const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
    visits.add(1);
    use(own, shop);
    visits.add(2);
    assert.equal(own.collect().sample(`visits_total{${shown}}`), 3);
  });

  test("do not change once they are known, which is said once", () => {
    const own = metering();
    use(own, shop);
    own.meter.useConstantLabels(undefined);
    use(own, { ...shop });
    assert.deepEqual(own.warnings, []);
    use(own, { service: "blog" });
    use(own, { service: "news" });
    const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
    visits.add(1);
    assert.equal(own.collect().sample(`visits_total{${shown}}`), 1);
    assert.equal(own.warnings.length, 1);
    assert.match(own.warnings[0] ?? "", /^isotel: metrics\.constantLabels differ between handlers/);
  });

  test("give way to a metric's own label that is shown alike", () => {
    const own = metering();
    use(own, { "cloud.region": "eu", version: 7 });
    const { visits } = defineMetricsIn(own.meter, {
      visits: counter("visits", { labels: ["cloud_region"] }),
    });
    visits.add(1, { cloud_region: "us" });
    const totals = own.collect();
    assert.equal(totals.sample('visits_total{cloud_region="us",version="7"}'), 1);
    assert.deepEqual(own.warnings, []);
  });

  test("do not fit a metric with too many labels, which is said once", () => {
    for (const [labels, isSaid] of [
      [29, false],
      [30, true],
      [32, true],
    ] as const) {
      const own = metering();
      use(own, shop);
      const names = Array.from({ length: labels }, (_, i) => `l${i}`);
      const { wide } = defineMetricsIn(own.meter, { wide: counter("wide", { labels: names }) });
      wide.add(1, Object.fromEntries(names.map((name) => [name, 1])));
      const { text, results } = own.collect();
      assert.deepEqual(results, [0]);
      assert.equal(text.includes(`,${shown}} 1`), !isSaid);
      assert.match(text, /^wide_total\{.*l9="1".*\} 1$/m);
      assert.equal(own.warnings.length, isSaid ? 1 : 0);
      if (isSaid) {
        assert.match(own.warnings[0] ?? "", /"wide" has 3\d labels, so it does not have all of/);
      }
    }
    const own = metering();
    const names = Array.from({ length: 32 }, (_, i) => `l${i}`);
    const { wide } = defineMetricsIn(own.meter, { wide: counter("wide", { labels: names }) });
    wide.add(1, Object.fromEntries(names.map((name) => [name, 1])));
    assert.deepEqual(own.warnings, [], "without constant labels nothing is left out");
  });
});

describe("the option constantLabels", () => {
  test("takes texts, numbers and booleans, masks addresses, and leaves out an empty text", () => {
    assert.deepEqual(shownLabels({ a: "x", b: 1.5, c: true, d: "", e: "https://u:p@h.example/" }), [
      '{a="x",b="1.5",c="true",e="https://REDACTED:REDACTED@h.example/"}',
      [],
    ]);
    assert.deepEqual(shownLabels(undefined), ["", []]);
    assert.deepEqual(shownLabels({}), ["", []]);
    assert.deepEqual(shownLabels({ a: "" }), ["", []]);
  });

  test("takes any characters in values, and lengths of one byte and of two", () => {
    assert.deepEqual(shownLabels({ a: 'ö"\n\ud800' }), ['{a="ö\\"\\n\ufffd"}', []]);
    for (const length of [127, 128, 129, 255, 256, 1500]) {
      const value = "v".repeat(length);
      assert.deepEqual(shownLabels({ a: value, b: "1" }), [`{a="${value}",b="1"}`, []]);
    }
    const name = "n".repeat(255);
    assert.deepEqual(shownLabels({ [name]: "1" }), [`{${name}="1"}`, []]);
  });

  test("of another type is reported once, and no label is added", () => {
    for (const [what, make] of oddValues) {
      const value = make();
      if (value === undefined || (typeof value === "object" && value !== null)) continue;
      const [labels, reports] = read(value);
      assert.equal(labels, undefined, what);
      assert.equal(reports.length, 1, what);
      assert.match(
        reports[0] ?? "",
        /^isotel: metrics\.constantLabels is .*; it has to be an object such as \{ service: "shop" \}\. No label is added$/,
      );
    }
    assert.equal(read(["shop"])[1].length, 1);
    assert.equal(read(null)[1].length, 1);
  });

  test("reports each wrong value with its name and leaves it out", () => {
    for (const [what, make] of oddValues) {
      const value = make();
      if (["string", "number", "boolean"].includes(typeof value)) continue;
      const [labels, reports] = shownLabels({ version: value, service: "shop" });
      assert.equal(labels, '{service="shop"}', what);
      assert.equal(reports.length, 1, what);
      assert.match(
        reports[0] ?? "",
        /^isotel: metrics\.constantLabels\.version is .*; it has to be a string, a number or a boolean\. The label is left out$/,
      );
    }
  });

  test("refuses names that a series cannot have or that expositions add", () => {
    for (const name of ["", "a\nb", "a\ud800", "__a", "n".repeat(256)]) {
      const [labels, reports] = shownLabels({ [name]: "x", service: "shop" });
      assert.equal(labels, '{service="shop"}');
      assert.match(
        reports[0] ?? "",
        /^isotel: the name ".*" in metrics\.constantLabels is a string of .*; it has to be a string of 1 to 255 bytes without control characters, and not to begin with "__"\. The label is left out$/,
      );
    }
    for (const name of [
      "le",
      "quantile",
      "isotel_definition",
      "isotel.definition",
      "otel_metric_overflow",
      "otel.metric-overflow",
    ]) {
      const [labels, reports] = shownLabels({ [name]: "x", service: "shop" });
      assert.equal(labels, '{service="shop"}');
      assert.equal(reports.length, 1);
      assert.match(
        reports[0] ?? "",
        /a name other than le, quantile, isotel_definition, otel_metric_overflow, which expositions add/,
      );
    }
    assert.deepEqual(shownLabels({ les: "x", _le: "y" })[1], []);
  });

  test("refuses the second of two names that are shown alike", () => {
    const [labels, reports] = shownLabels({ "a.b": 1, a_b: 2, "a-b": 3, ab: 4 });
    assert.equal(labels, '{a_b="1",ab="4"}');
    assert.equal(reports.length, 2);
    assert.match(reports[0] ?? "", /the name "a_b" .* do not show as a_b, like "a\.b"/);
  });

  test("takes eight labels, and leaves out a ninth", () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, i]));
    const [eight, none] = shownLabels(many(8));
    assert.match(eight ?? "", /l7="7"/);
    assert.deepEqual(none, []);
    const [same, reports] = shownLabels(many(9));
    assert.equal(same, eight);
    assert.equal(reports.length, 1);
    assert.match(reports[0] ?? "", /metrics\.constantLabels\.l8 is .* one of at most 8 labels/);
  });

  test("takes as many bytes as the core, and leaves out what is longer", () => {
    // The overflow label takes 22 bytes, the name 2 and the length of the value 2.
    const most = 2048 - 22 - 2 - 2;
    for (const unit of ["v", "ö"]) {
      const value = unit.repeat(most / (unit === "v" ? 1 : 2));
      assert.deepEqual(shownLabels({ a: value }), [`{a="${value}"}`, []]);
      const [labels, reports] = shownLabels({ z: "1", a: value });
      assert.equal(labels, '{z="1"}');
      assert.match(
        reports[0] ?? "",
        /constantLabels\.a is .* shorter: .* at most 2048 bytes together/,
      );
    }
    assert.equal(shownLabels({ a: "v".repeat(most + 1) })[1].length, 1);
  });
});
