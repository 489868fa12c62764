import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MetricKind } from "../../bindings/core/abi.gen.ts";
import { type Family, Producer } from "../wasm/support/producer.ts";
import { Random } from "../wasm/support/random.ts";
import { AcceptProxy, formats } from "./support/accept_proxy.ts";
import { Exposer } from "./support/exposer.ts";
import { Prometheus } from "./support/prometheus.ts";

/**
 * Series that expire or are removed and come back, scraped by a real Prometheus. A second aggregator gets the same
 * frames and keeps all series.
 */

const count = 20;
const scrapeMs = 250;
const stepMs = 750;
/** Time of the aggregators between two steps. */
const tickMs = 120_000;
const seriesExpiryMs = 300_000;
/** Steps in which the series are written, idle, and written again. */
const phases = { first: 4, idle: 5, second: 5 };

const jobs: Family = { name: "jobs", labels: ["number"] };
const latency: Family = {
  name: "latency",
  kind: MetricKind.histogram,
  labels: ["number"],
  bounds: [1, 2],
};
/** Removed on request. Its name differs, so that it does not expire before. */
const dropped: Family = { name: "dropped", labels: ["number"] };

describe("series that are removed and come back, in a real Prometheus", () => {
  const random = new Random(7);
  let nowMs = 1_700_000_000_000;
  let exposers: Exposer[] = [];
  let proxies: AcceptProxy[] = [];
  let prometheus: Prometheus;
  let startedMs = 0;
  let endedMs = 0;
  let expired = 0;

  before(async () => {
    const removing = await Exposer.start([], () => nowMs, { seriesExpiryMs });
    const keeping = await Exposer.start([], () => nowMs);
    exposers = [removing, keeping];
    proxies = await Promise.all(
      exposers.flatMap(({ url }) => formats.map(([, accept]) => AcceptProxy.start(url, accept))),
    );
    const names = ["removing", "keeping"].flatMap((name) =>
      formats.map(([format]) => `${name}_${format}`),
    );
    prometheus = await Prometheus.start({
      targets: names.map((job, index) => ({ job, url: (proxies[index] as AcceptProxy).url })),
      nativeHistograms: true,
      scrapeIntervalMs: scrapeMs,
    });
    await prometheus.scraped();
    const producer = new Producer(1);
    const step = async (record: (number: string) => void) => {
      nowMs += tickMs;
      for (let i = 0; i < count; i += 1) record(String(i));
      const frames = producer.frames(nowMs);
      for (const exposer of exposers) exposer.apply(frames);
      expired += removing.expireSeries();
      await sleep(stepMs);
    };
    const add = (family: Family, number: string, most: number) => {
      for (let left = 1 + random.below(most); left > 0; left -= 1) {
        producer.record(family, 1 + random.below(2), [number], nowMs);
      }
    };
    for (let i = 0; i < phases.first; i += 1) {
      await step((number) => {
        for (const family of [jobs, latency, dropped]) add(family, number, 40);
      });
      if (i === 0) startedMs = Date.now();
    }
    for (let i = 0; i < phases.idle; i += 1) await step(() => {});
    assert.equal(removing.drop("dropped"), 0, "it has expired too");
    // Fewer than before: only a smaller value is a reset to Prometheus.
    for (let i = 0; i < phases.second; i += 1) {
      await step((number) => {
        for (const family of [jobs, latency, dropped]) add(family, number, 2);
      });
      if (i === 2) assert.equal(removing.drop("dropped_total"), count);
    }
    endedMs = Date.now();
  });
  after(async () => {
    await prometheus?.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await Promise.all(exposers.map((exposer) => exposer.stop()));
  });

  /** The results of a query by format and series, of one of the aggregators. */
  async function results(which: string, expression: string): Promise<Map<string, number>> {
    const samples = await prometheus.query(expression.replace("WHICH", `job=~"${which}_.*"`));
    return new Map(
      samples.map(({ labels, value }) => {
        const { job = "", number, le = "" } = labels;
        return [`${job.replace(`${which}_`, "")} ${number} ${le}`, value];
      }),
    );
  }

  test("all of them expired", () => {
    assert.equal(expired, 3 * count);
  });

  for (const [name, seriesOfEach] of [
    ["jobs_total", 1],
    ["latency_count", 1],
    ["latency_bucket", 3],
  ] as const) {
    test(`${name} loses and doubles nothing, and Prometheus sees one reset`, async () => {
      const window = `[${endedMs - startedMs}ms] @ ${(endedMs / 1000).toFixed(3)}`;
      const last = `last_over_time(${name}{WHICH}${window})`;
      const [resets, before, since, kept] = await Promise.all([
        results("removing", `resets(${name}{WHICH}${window})`),
        // The series has less after the removal than it had before.
        results("removing", `max_over_time(${name}{WHICH}${window})`),
        results("removing", last),
        results("keeping", last),
      ]);
      assert.equal(kept.size, formats.length * count * seriesOfEach);
      for (const [key, value] of kept) {
        assert.equal(resets.get(key), 1, key);
        assert.equal((before.get(key) ?? 0) + (since.get(key) ?? 0), value, key);
      }
    });
  }

  test("a counter that was removed on request goes on from zero", async () => {
    const shown = await results("removing", "dropped_total{WHICH}");
    const kept = await results("keeping", "dropped_total{WHICH}");
    assert.equal(shown.size, formats.length * count);
    for (const [key, value] of shown) {
      assert.ok(value >= 1 && value < (kept.get(key) ?? 0), `${key} is ${value}`);
    }
  });
});
