import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import {
  counter,
  exponentialHistogram,
  gauge,
  histogram,
} from "../../../bindings/metrics/definitions.ts";
import { compile, coreModule, readCore } from "../../wasm/support/module.ts";
import { withTrapIn } from "../../wasm/support/wasm_binary.ts";
import { oddValues } from "../support/hostile.ts";
import { metering, meteringWithTrapIn, Totals } from "../support/metering.ts";

const labels = ["plan"] as const;
const zeros = [{ plan: "pro" }, { plan: "free" }] as const;

function define({ meter }: Pick<ReturnType<typeof metering>, "meter">) {
  return defineMetricsIn(meter, {
    orders: counter("orders", { labels, zeros }),
    size: histogram("size", { bounds: [1, 2], labels, zeros }),
    wait: exponentialHistogram("wait", { labels, zeros }),
    visits: counter("visits"),
    load: gauge("load"),
    other: counter("other", { labels }),
  });
}

describe("series that are known in advance", () => {
  test("are shown at 0 with the first frame, of counters and both kinds of histograms", () => {
    const own = metering();
    const metrics = define(own);
    metrics.other.add(1, { plan: "pro" });
    const totals = own.collect();
    for (const plan of ["pro", "free"]) {
      assert.equal(totals.sample(`orders_total{plan="${plan}"}`), 0);
      assert.equal(totals.sample(`size_bucket{plan="${plan}",le="1.0"}`), 0);
      assert.equal(totals.sample(`size_count{plan="${plan}"}`), 0);
      assert.equal(totals.sample(`wait_count{plan="${plan}"}`), 0);
    }
    assert.equal(totals.sample("visits_total"), 0, "it has no labels");
    assert.equal(totals.sample("load"), undefined, "a gauge has no value before it is set");
    assert.equal(totals.sample("isotel_series"), 8);
    metrics.orders.add(1, { plan: "pro" });
    metrics.visits.add(2);
    assert.equal(own.collect().sample('orders_total{plan="pro"}'), 1);
    assert.equal(own.collect().sample("visits_total"), 2);
  });

  test("cause no flush of their own", () => {
    const own = metering();
    const metrics = define(own);
    own.meter.core();
    assert.equal(own.meter.isDirty, false);
    assert.equal(own.meter.flush(false)?.isDirty, false);
    metrics.other.add(1, { plan: "pro" });
    own.collect();
    assert.equal(own.meter.isDirty, false, "the frame had them");
    let wakes = 0;
    own.meter.onWake = () => {
      wakes += 1;
    };
    define(own);
    defineMetricsIn(own.meter, { late: counter("late") });
    assert.equal(wakes, 0);
    assert.equal(own.meter.isDirty, false);
  });

  test("are sent once by each core", () => {
    const own = metering();
    const metrics = define(own);
    const size = () => {
      metrics.other.add(1, { plan: "pro" });
      own.meter.flush(false);
      const [frame] = own.meter.outbox.frames;
      own.meter.outbox.remove(frame as never);
      return frame?.length ?? 0;
    };
    const first = size();
    const second = size();
    assert.ok(second < first / 3, `${first} bytes, then ${second}`);
    assert.equal(size(), second);
    define(own);
    assert.equal(size(), second, "the same definitions again");
  });

  test("of a metric that is defined later are in the next frame", () => {
    const own = metering();
    const metrics = define(own);
    metrics.visits.add();
    own.collect();
    defineMetricsIn(own.meter, {
      late: counter("late", { labels, zeros: [{ plan: "a" }] }),
      orders: counter("orders", { labels, zeros: [{ plan: "max" }] }),
    });
    metrics.visits.add();
    const totals = own.collect();
    assert.equal(totals.sample('late_total{plan="a"}'), 0);
    assert.equal(totals.sample('orders_total{plan="max"}'), 0, "a further one of the same metric");
    assert.equal(totals.sample('orders_total{plan="pro"}'), 0);
  });

  test("have a series each, even if others are recorded first", () => {
    const own = metering();
    const { few } = defineMetricsIn(own.meter, {
      few: counter("few", { labels, maxLabelSets: 2, zeros }),
    });
    few.add(1, { plan: "a" });
    few.add(1, { plan: "b" });
    few.add(1, { plan: "pro" });
    const totals = own.collect();
    assert.equal(totals.sample('few_total{plan="pro"}'), 1);
    assert.equal(totals.sample('few_total{plan="free"}'), 0);
    assert.equal(totals.sample('few_total{otel_metric_overflow="true"}'), 2);
  });

  test("are the ones that records find: numbers, booleans and masked addresses too", () => {
    const own = metering();
    const values = [200, true, "https://u:secret@h.example/", ""];
    const { seen } = defineMetricsIn(own.meter, {
      seen: counter("seen", { labels, zeros: values.map((plan) => ({ plan })) }),
    });
    for (const plan of values) seen.add(1, { plan });
    const totals = own.collect();
    assert.equal(totals.sample("isotel_series"), 4);
    assert.equal(totals.sample('seen_total{plan="200"}'), 1);
    assert.equal(totals.sample("seen_total"), 1);
    assert.doesNotMatch(totals.text, /secret/);
  });

  test("are what they were when they were defined", () => {
    const own = metering();
    const set = { plan: "pro" };
    const list = [set];
    const definition = counter("orders", { labels, zeros: list });
    set.plan = "free";
    list.push({ plan: "max" });
    const { orders } = defineMetricsIn(own.meter, { orders: definition });
    orders.add(1, { plan: "pro" });
    const totals = own.collect();
    assert.equal(totals.sample('orders_total{plan="pro"}'), 1);
    assert.equal(totals.sample("isotel_series"), 1);
  });
});

describe("a series at 0 adds nothing", () => {
  test("when its frame is delivered twice, or after others", () => {
    const own = metering();
    const metrics = define(own);
    metrics.visits.add(3);
    own.meter.flush(false);
    metrics.orders.add(5, { plan: "pro" });
    metrics.size.record(1, { plan: "pro" });
    own.meter.flush(false);
    const [first, second] = own.meter.outbox.frames;
    const totals = new Totals();
    const results = totals.apply([second, first, first, second] as Uint8Array[]);
    assert.deepEqual(results, [0, 0, 1, 1]);
    assert.equal(totals.sample('orders_total{plan="pro"}'), 5);
    assert.equal(totals.sample('size_count{plan="pro"}'), 1);
    assert.equal(totals.sample("visits_total"), 3);
    assert.equal(totals.sample('orders_total{plan="free"}'), 0);
  });

  test("when another core replaces one that trapped: it sends them again", () => {
    const own = meteringWithTrapIn("isotel_span_name");
    const metrics = define(own);
    metrics.orders.add(5, { plan: "pro" });
    own.collect();
    own.meter.host.core?.spanName(1, "model");
    assert.equal(own.meter.host.traps, 1);
    metrics.visits.add(1);
    own.meter.flush(false);
    const [frame] = own.meter.outbox.frames;
    const alone = new Totals();
    alone.apply([frame] as Uint8Array[]);
    assert.equal(alone.sample('orders_total{plan="pro"}'), 0, "the new core sent them");
    assert.equal(alone.sample('wait_count{plan="free"}'), 0);
    const totals = own.collect();
    assert.equal(totals.sample('orders_total{plan="pro"}'), 5);
    assert.equal(totals.sample("visits_total"), 1);
  });

  test("when a core traps while they are bound, and when every core does", () => {
    const own = meteringWithTrapIn("isotel_metrics_bind");
    const metrics = define(own);
    metrics.visits.add(1);
    metrics.visits.add(1);
    const totals = own.collect();
    assert.equal(own.meter.host.traps, 1);
    assert.equal(totals.sample("visits_total"), 1, "the record that trapped is lost");
    assert.equal(totals.sample('orders_total{plan="pro"}'), 0);
    const broken = metering({
      module: () => compile(withTrapIn(readCore(), "isotel_metrics_bind")),
    });
    const { orders } = define(broken);
    for (let i = 0; i < 300; i += 1) orders.add(1, { plan: "pro" });
    broken.meter.flush(false);
    assert.equal(broken.meter.counts.lostRecords, 300);
  });

  test("when a new deployment has other zeros", () => {
    const totals = new Totals();
    let seed = 100;
    const deploy = (plans: readonly string[], added: number) => {
      seed += 1;
      const random = (bytes: Uint8Array) => void bytes.fill(seed);
      const own = metering({ random, module: () => coreModule });
      const { orders } = defineMetricsIn(own.meter, {
        orders: counter("orders", { labels, zeros: plans.map((plan) => ({ plan })) }),
      });
      orders.add(added, { plan: "pro" });
      own.meter.flush(false);
      totals.apply(own.meter.outbox.frames);
    };
    deploy(["pro", "free"], 5);
    deploy(["free", "max"], 2);
    deploy(["pro"], 1);
    assert.equal(totals.sample('orders_total{plan="pro"}'), 8);
    assert.equal(totals.sample('orders_total{plan="free"}'), 0);
    assert.equal(totals.sample('orders_total{plan="max"}'), 0);
    assert.equal(totals.sample("isotel_series"), 3);
  });
});

describe("zeros are refused", () => {
  const refused: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    "of a gauge": [
      () => gauge("a", { zeros: [{}] } as never),
      /^isotel: zeros of gauge\("a"\) is a list of 1; it has to be left out, because a gauge has no value/,
    ],
    "that are no list": [
      () => counter("a", { labels, zeros: { plan: "pro" } as never }),
      /^isotel: zeros of counter\("a"\) is an object; it has to be a list of label sets$/,
    ],
    "that are no label set": [
      () => histogram("a", { bounds: [1], labels, zeros: ["pro"] as never }),
      /^isotel: zeros\[0\] of histogram\("a"\) is a string of 3 characters; it has to be an object with a value for each/,
    ],
    "in a list with a hole": [
      // biome-ignore lint/suspicious/noSparseArray: this is what is tested
      () => counter("a", { labels, zeros: [{ plan: "pro" }, , { plan: "free" }] as never }),
      /^isotel: zeros\[1\] of counter\("a"\) is undefined/,
    ],
    "without one of the labels": [
      () => counter("a", { labels: ["plan", "region"], zeros: [{ plan: "pro" }] as never }),
      /^isotel: the label "region" of zeros\[0\] of counter\("a"\) is undefined; it has to be a string, a number or a boolean$/,
    ],
    "with a label of an inherited name": [
      () => counter("a", { labels: ["toString"], zeros: [{}] as never }),
      /^isotel: the label "toString" of zeros\[0\] of counter\("a"\) is a function; it has to be a string/,
    ],
    "with a label that the metric does not have": [
      () => counter("a", { labels, zeros: [{ plan: "pro" }, { plan: "pro", city: "x" }] as never }),
      /^isotel: the label "city" of zeros\[1\] of counter\("a"\) is a string of 1 characters; it has to be left out, or added to labels$/,
    ],
    "with labels of a metric that has none": [
      () => exponentialHistogram("a", { zeros: [{ plan: "pro" }] as never }),
      /^isotel: the label "plan" of zeros\[0\] of exponentialHistogram\("a"\) .* left out/,
    ],
    "that are more than maxLabelSets": [
      () => counter("a", { labels, maxLabelSets: 1, zeros }),
      /^isotel: zeros of counter\("a"\) is a list of 2; it has to be a list of at most 1 label sets, the value of maxLabelSets$/,
    ],
    "that are more than the default of maxLabelSets": [
      () => counter("a", { labels, zeros: Array.from({ length: 2001 }, (_, plan) => ({ plan })) }),
      /is a list of 2001; it has to be a list of at most 2000 label sets/,
    ],
  };
  for (const [what, [make, message]] of Object.entries(refused)) {
    test(what, () => assert.throws(make, { name: "TypeError", message }));
  }

  test("for values of every odd kind", () => {
    for (const [name, make] of oddValues) {
      const value = make();
      if (["string", "number", "boolean"].includes(typeof value)) continue;
      assert.throws(
        () => counter("a", { labels, zeros: [{ plan: value }] as never }),
        { name: "TypeError", message: /^isotel: the label "plan" of zeros\[0\]/ },
        name,
      );
      if (value === undefined) continue;
      assert.throws(
        () => counter("a", { labels, zeros: value as never }),
        { name: "TypeError", message: /^isotel: (zeros|the label)/ },
        name,
      );
    }
  });

  test("only past the limit", () => {
    const { meter, collect } = metering();
    const full = Array.from({ length: 2000 }, (_, plan) => ({ plan }));
    const { a } = defineMetricsIn(meter, { a: counter("a", { labels, zeros: full }) });
    a.add(1, { plan: 1999 });
    const totals = collect();
    assert.equal(totals.sample("isotel_series"), 2000);
    assert.equal(totals.sample('a_total{plan="1999"}'), 1);
    assert.equal(meter.counts.labelSetsOverflowed, 0);
    assert.doesNotThrow(() => counter("a", { labels, maxLabelSets: 2, zeros }));
    assert.doesNotThrow(() => counter("a", { zeros: [{}] }));
    assert.doesNotThrow(() => gauge("a", { zeros: undefined } as never));
  });
});
