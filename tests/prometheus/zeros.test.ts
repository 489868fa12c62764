import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { defineMetricsIn } from "../../bindings/metrics/define_metrics.ts";
import { counter, exponentialHistogram, histogram } from "../../bindings/metrics/definitions.ts";
import { metering } from "../unit/support/metering.ts";
import { AcceptProxy, formats } from "./support/accept_proxy.ts";
import { Exposer } from "./support/exposer.ts";
import { Prometheus } from "./support/prometheus.ts";

/**
 * Series that are shown at 0 before their first record, scraped by a real Prometheus. A rate needs a value before the
 * first record: a series that begins with it has not increased.
 */

const scrapeMs = 250;

describe("series at 0 in a real Prometheus", () => {
  let exposer: Exposer;
  let proxies: AcceptProxy[] = [];
  let prometheus: Prometheus;

  before(async () => {
    const { meter } = metering({ clock: Date.now });
    const labels = ["plan"] as const;
    const zeros = [{ plan: "pro" }, { plan: "free" }] as const;
    const metrics = defineMetricsIn(meter, {
      traffic: counter("traffic"),
      visits: counter("visits"),
      orders: counter("orders", { labels, zeros }),
      size: histogram("size", { bounds: [1, 2], labels, zeros }),
      wait: exponentialHistogram("wait", { labels, zeros }),
      unknown: counter("unknown", { labels }),
    });
    const frames = () => {
      meter.flush(false);
      const made = meter.outbox.frames;
      for (const frame of made) meter.outbox.remove(frame);
      return made;
    };
    metrics.traffic.add();
    exposer = await Exposer.start(frames());
    proxies = await Promise.all(
      formats.map(([, accept]) => AcceptProxy.start(exposer.url, accept)),
    );
    prometheus = await Prometheus.start({
      targets: formats.map(([job], i) => ({
        job,
        url: proxies[i]?.url ?? exposer.url,
      })),
      nativeHistograms: true,
      scrapeIntervalMs: scrapeMs,
    });
    await prometheus.eventually(
      "count_over_time(traffic_total[1m])",
      (samples) => samples.length === 3 && samples.every(({ value }) => value >= 4),
    );
    const pro = { plan: "pro" };
    metrics.visits.add();
    metrics.orders.add(1, pro);
    metrics.size.record(1.5, pro);
    metrics.wait.record(1, pro);
    metrics.unknown.add(1, pro);
    exposer.apply(frames());
    await prometheus.eventually("visits_total == 1", ({ length }) => length === 3);
    await sleep(4 * scrapeMs);
  });
  after(async () => {
    await prometheus?.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await exposer?.stop();
  });

  async function byJob(expression: string): Promise<Record<string, number>> {
    const samples = await prometheus.query(expression);
    return Object.fromEntries(samples.map(({ labels, value }) => [labels["job"], value]));
  }

  test("the first scrape has them, in each format", async () => {
    const [text, openMetrics, protobuf] = proxies.map(({ answers }) => [...answers].join());
    assert.match(text ?? "", /^text\/plain/);
    assert.match(openMetrics ?? "", /^application\/openmetrics-text/);
    assert.match(protobuf ?? "", /^application\/vnd\.google\.protobuf/);
    const zero = { text: 0, open_metrics: 0, protobuf: 0 };
    for (const series of ['orders_total{plan="free"}', 'size_count{plan="free"}']) {
      assert.deepEqual(await byJob(series), zero, series);
    }
    assert.deepEqual(await byJob('histogram_count(wait{plan="free"})'), { protobuf: 0 });
  });

  test("an increase has the first record of each", async () => {
    const window = "[1m]";
    const increases = [
      `increase(visits_total${window})`,
      `increase(orders_total{plan="pro"}${window})`,
      `increase(size_count{plan="pro"}${window})`,
      `increase(size_bucket{plan="pro",le=~"2|2.0"}${window})`,
      `histogram_count(increase(wait{plan="pro"}${window}))`,
    ];
    for (const increase of increases) {
      const shown = await byJob(increase);
      const jobs = increase.includes("wait") ? ["protobuf"] : formats.map(([job]) => job);
      assert.deepEqual(Object.keys(shown).sort(), jobs.sort(), increase);
      for (const [job, value] of Object.entries(shown)) {
        // Prometheus extrapolates by at most half a scrape interval.
        assert.ok(value >= 1 && value < 1.5, `${increase} of ${job} is ${value}.`);
      }
    }
  });

  test("without them, an increase does not have the first record", async () => {
    const shown = await byJob("increase(unknown_total[1m])");
    assert.deepEqual(shown, { text: 0, open_metrics: 0, protobuf: 0 });
  });

  test("others stay at 0", async () => {
    const shown = await byJob('increase(orders_total{plan="free"}[1m])');
    assert.deepEqual(shown, { text: 0, open_metrics: 0, protobuf: 0 });
  });
});
