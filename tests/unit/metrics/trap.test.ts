import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readConstantLabels } from "../../../bindings/metrics/constant_labels.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { counter, gauge, histogram } from "../../../bindings/metrics/definitions.ts";
import { SelfMetrics } from "../../../bindings/metrics/self_metrics.ts";
import { coreModule } from "../../wasm/support/module.ts";
import { type Metering, metering, meteringWithTrapIn } from "../support/metering.ts";

const ids = { traceId: "1".repeat(32), spanId: "2".repeat(16) };

function define({ meter }: Metering) {
  return defineMetricsIn(meter, {
    orders: counter("orders", { labels: ["plan"] }),
    load: gauge("load", { aggregate: "sum" }),
    size: histogram("size", { bounds: [1, 2] }),
  });
}

function record(metrics: ReturnType<typeof define>): void {
  metrics.orders.add(1, { plan: "pro" });
  metrics.load.add(2);
  metrics.size.record(1, ids);
}

describe("a trap in a call about metrics", () => {
  for (const name of [
    "isotel_metrics_open",
    "isotel_metrics_declare",
    "isotel_metrics_bind",
    "isotel_metrics_record",
    "isotel_metrics_record_exemplar",
    "isotel_metrics_add",
    "isotel_metrics_flush",
    "isotel_metrics_frame",
    "isotel_metrics_commit",
    "isotel_metrics_status",
    "isotel_buffer",
  ]) {
    test(`in ${name} reaches no caller, and from then on everything is recorded`, () => {
      const own = meteringWithTrapIn(name);
      const { meter, collect } = own;
      const metrics = define(own);
      record(metrics);
      void meter.isDirty;
      collect();
      assert.equal(meter.host.traps, 1, "there was a trap");
      const before = collect().sample('orders_total{plan="pro"}') ?? 0;
      record(metrics);
      record(metrics);
      const totals = collect();
      assert.equal(meter.host.traps, 1);
      assert.equal(totals.sample('orders_total{plan="pro"}'), before + 2);
      assert.ok(
        totals.results.every((result) => result >= 0),
        String(totals.results),
      );
    });
  }

  test("while the constant labels are set leaves them to the next core", () => {
    const own = meteringWithTrapIn("isotel_metrics_constant_labels");
    const { meter, collect } = own;
    meter.useConstantLabels(readConstantLabels({ service: "shop" }, assert.fail));
    const metrics = define(own);
    record(metrics);
    record(metrics);
    const totals = collect();
    assert.equal(meter.host.traps, 1);
    assert.equal(totals.sample('orders_total{plan="pro",service="shop"}'), 1);
    assert.deepEqual(totals.results, [0]);
    assert.doesNotMatch(totals.text, /^orders_total\{plan="pro"\}/m);
  });

  test("in the middle of a flush doubles nothing", () => {
    const own = meteringWithTrapIn("isotel_metrics_commit");
    const metrics = define(own);
    record(metrics);
    const totals = own.collect();
    assert.equal(totals.sample('orders_total{plan="pro"}'), 1, "the frame was made already");
    assert.deepEqual(totals.results, [0, 1], "and rescued, but once is known to be enough");
    assert.equal(own.meter.counts.losses, 1);
  });
});

describe("a trap elsewhere in the core", () => {
  test("loses nothing: what was recorded is sent under the producer it was recorded by", () => {
    const own = meteringWithTrapIn("isotel_span_name");
    const { meter, collect } = own;
    const metrics = define(own);
    const bound = metrics.orders.bind({ plan: "pro" });
    record(metrics);
    collect();
    record(metrics);
    meter.host.core?.spanName(1, "model");
    assert.equal(meter.host.traps, 1);
    assert.equal(meter.outbox.size, 1, "what was not sent yet was saved");
    bound.add(10);
    record(metrics);
    const totals = collect();
    assert.equal(totals.sample('orders_total{plan="pro"}'), 13);
    assert.equal(totals.sample("size_count"), 3);
    assert.match(totals.text, /^isotel_producers 2$/m);
    assert.deepEqual(totals.results, [0, 0, 0]);
    assert.equal(meter.counts.losses, 0);
  });

  test("gauges keep their value for the new producer, also those nobody touches again", () => {
    const own = meteringWithTrapIn("isotel_span_name");
    const { meter } = own;
    const { load } = define(own);
    load.add(2);
    load.add(3);
    meter.flush(false);
    meter.host.core?.spanName(1, "model");
    meter.outbox.frames.forEach((frame) => {
      meter.outbox.remove(frame);
    });
    meter.flush(true);
    assert.equal(own.collect().sample("load"), 5);
    load.add(1);
    assert.equal(own.collect().sample("load"), 6);
  });

  test("is followed by another producer, which is told of before anything is recorded in it", () => {
    const own = meteringWithTrapIn("isotel_span_name");
    const { meter } = own;
    const opened: [unknown, boolean][] = [];
    meter.onOpen((core) => opened.push([core, meter.isDirty]));
    const metrics = define(own);
    assert.equal(opened.length, 0, "nothing is opened before it is needed");
    record(metrics);
    const first = meter.host.core;
    first?.spanName(1, "model");
    const second = meter.host.core;
    assert.notEqual(second, first);
    assert.deepEqual(opened, [
      [first, false],
      [second, false],
    ]);
    record(metrics);
    assert.equal(opened.length, 2);
    const late: unknown[] = [];
    meter.onOpen((core) => late.push(core));
    assert.deepEqual(late, [second]);
  });
});

describe("with no core at all", () => {
  test("records are counted as lost, and nothing throws", () => {
    const own = metering({
      module: () => {
        throw new Error("no module");
      },
    });
    record(define(own));
    own.meter.flush(true);
    assert.equal(own.meter.counts.lostRecords, 3);
    assert.equal(own.meter.isDirty, false);
  });
});

describe("counts about the isolate itself", () => {
  test("are counters, exact over traps of every kind", () => {
    for (const name of ["isotel_span_name", "isotel_metrics_record", "isotel_metrics_flush"]) {
      const own = meteringWithTrapIn(name);
      const { meter } = own;
      const selfMetrics = new SelfMetrics(meter, () => ({
        ...meter.host.counters(),
        traps: meter.host.traps,
      }));
      const { orders } = define(own);
      const wrong = () => {
        orders.add(-1, { plan: "pro" });
        orders.add(1, {} as never);
        meter.host.core?.openSpan(99, 0, 0, 0, 0);
      };
      let wrongs = 0;
      for (let round = 0; round < 6; round += 1) {
        wrong();
        wrongs += 1;
        if (round === 2) meter.host.core?.spanName(1, "model");
        orders.add(1, { plan: "pro" });
        selfMetrics.flush(false);
        selfMetrics.countFlush(round % 2 === 0 ? "ok" : "error");
      }
      selfMetrics.flush(false);
      const totals = own.collect();
      const total = (sample: string) => totals.sample(`isotel_${sample}`);
      assert.equal(total("core_traps_total"), 1, name);
      const { counts } = meter;
      const dropped = (reason: string) =>
        total(`metrics_records_dropped_total{reason="${reason}"}`);
      assert.equal(dropped("value"), counts.invalidValues, name);
      assert.equal(dropped("label"), wrongs, name);
      assert.equal(total('flushes_total{result="ok"}'), 3);
      assert.equal(total('flushes_total{result="error"}'), 3);
      assert.equal(total('flushes_total{result="timeout"}'), 0, "shown before it happens");
    }
  });

  test("are sent with what is recorded, and are no reason to send by themselves", () => {
    const own = metering({ module: () => coreModule });
    const selfMetrics = new SelfMetrics(own.meter, () => ({}));
    define(own).load.set(1);
    selfMetrics.flush(false);
    assert.equal(own.meter.isDirty, false);
    assert.equal(own.collect().sample("load"), 1);
  });
});
