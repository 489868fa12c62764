// What metrics of the OpenTelemetry API become, where isotel differs from OpenTelemetry's SDK.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ValueType } from "@opentelemetry/api";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { counter } from "../../../bindings/metrics/definitions.ts";
import { Flusher } from "../../../bindings/metrics/flusher.ts";
import type { Frame } from "../../../bindings/metrics/outbox.ts";
import { SelfMetrics } from "../../../bindings/metrics/self_metrics.ts";
import { OtelMeterProvider } from "../../../bindings/opentelemetry/metrics/otel_meter.ts";
import { type Metering, metering, meteringWithTrapIn } from "../support/metering.ts";

function meterOf(own: Metering) {
  return new OtelMeterProvider(own.meter).getMeter("lib");
}

const lib = 'otel_scope_name="lib"';

describe("metrics of the OpenTelemetry API", () => {
  test("are one metric of an exposition, whichever attributes their records have", () => {
    const own = metering();
    const requests = meterOf(own).createCounter("app.requests", { unit: "{request}" });
    requests.add(1);
    requests.add(2, { route: "/a" });
    requests.add(4, { route: "/a", method: "GET" });
    requests.add(8, { method: "GET", route: "/a" });
    const text = own.collect().text.split("\n");
    assert.deepEqual(
      text.filter((line) => line.startsWith("app_requests_total")),
      [
        `app_requests_total{method="GET",${lib},route="/a"} 12`,
        `app_requests_total{${lib}} 1`,
        `app_requests_total{${lib},route="/a"} 2`,
      ],
    );
    assert.equal(text.filter((line) => line === "# TYPE app_requests counter").length, 1);
    assert.deepEqual(own.warnings, []);
  });

  test("are refused with one message if a value is invalid, and count it", () => {
    const own = metering();
    const meter = meterOf(own);
    const invalid = [Number.NaN, Number.POSITIVE_INFINITY, "5" as never, undefined as never];
    const counted = meter.createCounter("counted");
    const timed = meter.createHistogram("timed");
    const moved = meter.createUpDownCounter("moved");
    for (const value of [...invalid, -1]) {
      counted.add(value);
      timed.record(value);
    }
    for (const value of invalid) moved.add(value);
    meter.createCounter("whole", { valueType: ValueType.INT }).add(2.9);
    const totals = own.collect();
    assert.equal(totals.sample("counted_total"), undefined);
    assert.equal(totals.sample(`whole_total{${lib}}`), 2);
    assert.equal(own.meter.counts.invalidValues, 14);
    assert.equal(own.warnings.length, 3);
    assert.match(
      own.warnings[0] ?? "",
      /"counted" is NaN; it has to be a finite number of at least 0/,
    );
  });

  test("use one overflow series past 2,000 label sets, and lose no count", () => {
    const own = metering();
    const counted = meterOf(own).createCounter("counted");
    for (let i = 0; i < 2_100; i += 1) counted.add(1, { i });
    const totals = own.collect();
    assert.equal(totals.sample('counted_total{otel_metric_overflow="true"}'), 100);
    assert.equal(totals.sample(`counted_total{i="1999",${lib}}`), 1);
  });

  test("count label sets with different names together, and once in any order of the names", () => {
    const own = metering();
    const counted = meterOf(own).createCounter("counted");
    for (let i = 0; i < 1_500; i += 1) {
      counted.add(1, { i, a: "1" });
      counted.add(1, { a: "1", i });
    }
    for (let i = 0; i < 1_500; i += 1) counted.add(1, { i });
    const totals = own.collect();
    assert.equal(totals.sample('counted_total{otel_metric_overflow="true"}'), 1_000);
    assert.equal(totals.sample(`counted_total{a="1",i="1499",${lib}}`), 2);
  });

  test("use the overflow series past 30 sets of label names", () => {
    const own = metering();
    const counted = meterOf(own).createCounter("counted");
    for (let i = 0; i < 40; i += 1) counted.add(1, { [`key${i}`]: "a" });
    for (let i = 0; i < 40; i += 1) counted.add(1, { [`key${i}`]: "b" });
    const totals = own.collect();
    assert.equal(totals.sample('counted_total{otel_metric_overflow="true"}'), 20);
    assert.equal(totals.sample(`counted_total{key29="b",${lib}}`), 1);
  });

  test("use the overflow series for more labels than a metric may have", () => {
    const own = metering();
    const attributes = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key${i}`, i]));
    meterOf(own).createCounter("counted").add(3, attributes);
    assert.equal(own.collect().sample('counted_total{otel_metric_overflow="true"}'), 3);
  });

  test("leave out attributes that no label can show, and hide secrets", () => {
    const own = metering();
    const counted = meterOf(own).createCounter("counted");
    counted.add(1, { "": "a", ok: "b", none: undefined, map: {} as never, "bad\n": 1 });
    counted.add(1, { url: "https://user:password@host/" });
    const totals = own.collect();
    assert.equal(totals.sample(`counted_total{ok="b",${lib}}`), 1);
    const { text } = totals;
    assert.ok(!text.includes("password"));
    assert.equal(own.warnings.length, 1);
  });

  test("an observable counter that begins anew never lowers the total", async () => {
    const own = metering();
    let seen = 10;
    meterOf(own)
      .createObservableCounter("seen")
      .addCallback((result) => result.observe(seen));
    for (const next of [10, 15, 4, 6]) {
      seen = next;
      await own.meter.collect();
    }
    assert.equal(own.collect().sample(`seen_total{${lib}}`), 21);
  });

  test("a callback that fails is logged once, and the others are recorded", async () => {
    const own = metering();
    const meter = meterOf(own);
    meter.createObservableGauge("bad").addCallback((result) => {
      result.observe(1);
      throw new Error("of a callback");
    });
    meter.createObservableGauge("good").addCallback((result) => result.observe(2));
    await own.meter.collect();
    await own.meter.collect();
    const totals = own.collect();
    assert.deepEqual([totals.sample(`bad{${lib}}`), totals.sample(`good{${lib}}`)], [undefined, 2]);
    assert.equal(own.warnings.length, 1);
    assert.match(own.warnings[0] ?? "", /could not be observed/);
  });

  test("an instrument that isotel cannot record does nothing and says so once", () => {
    const own = metering();
    const meter = meterOf(own);
    defineMetricsIn(own.meter, { orders: counter("orders", { labels: ["plan"] }) }).orders.add(1, {
      plan: "pro",
    });
    for (let i = 0; i < 2; i += 1) {
      meter.createCounter("orders").add(5);
      meter.createCounter("1 bad").add(5);
      meter.createCounter("isotel.own").add(5);
      meter.createHistogram("both").record(1);
      meter.createCounter("both").add(1);
      meter.createObservableGauge("both").addCallback(() => assert.fail("is never observed"));
    }
    assert.equal(own.collect().sample('orders_total{plan="pro"}'), 1);
    assert.equal(own.warnings.length, 4);
    assert.match(own.warnings[0] ?? "", /createCounter\("orders"\), records nothing/);
  });

  test("a flush observes, sends what was observed, and schedules no further one", async () => {
    const own = metering();
    const frames: Frame[] = [];
    const flusher = new Flusher(own.meter, new SelfMetrics(own.meter, () => ({})), {
      waitUntil: () => {},
      sleep: own.time.sleep,
      startInvocation: undefined,
    } as never);
    flusher.use({
      intervalMs: 1_000,
      transport: {
        async send(sent: readonly Frame[], done: (frame: Frame) => void) {
          for (const frame of [...sent]) {
            frames.push(frame);
            done(frame);
          }
        },
      },
    } as never);
    let observed = 0;
    const meter = meterOf(own);
    meter.createObservableCounter("seen").addCallback((result) => {
      observed += 1;
      result.observe(observed);
    });
    assert.equal(await flusher.flush(), true);
    assert.equal(observed, 1);
    assert.ok(frames.length > 0);
    assert.equal(own.meter.isDirty, false);
    assert.equal(own.time.sleepers, 0);
  });

  test("continue after a trap of the core", () => {
    const own = meteringWithTrapIn("isotel_metrics_flush");
    const counted = meterOf(own).createCounter("counted");
    counted.add(1, { a: "b" });
    own.collect();
    counted.add(2, { a: "b" });
    assert.equal(own.collect().sample(`counted_total{a="b",${lib}}`), 2);
  });
});
