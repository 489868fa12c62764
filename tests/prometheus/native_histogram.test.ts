import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { MetricKind } from "../../bindings/core/abi.gen.ts";
import { type Family, Producer } from "../wasm/support/producer.ts";
import { Exposer } from "./support/exposer.ts";
import { Prometheus } from "./support/prometheus.ts";

/** Buckets of schema 3 by index: upper bounds .8409, .9170, 1.1892, 1.4142 and 1.5422. */
const example: readonly (readonly [index: number, count: number])[] = [
  [-2, 3],
  [-1, 5],
  [2, 1],
  [4, 3],
  [5, 2],
];
/** Between two bounds of schema 3. */
const inside = (index: number) => 2 ** ((index - 0.5) / 8);

const latency = { name: "latency", kind: MetricKind.exponentialHistogram };
const spread = { name: "spread", kind: MetricKind.exponentialHistogram };
/** Values over six orders of magnitude, in ascending order. */
const spreadValues = Array.from({ length: 2000 }, (_, i) => 1e-3 * 10 ** ((6 * (i + 0.5)) / 2000));

describe("native histograms in a real Prometheus", () => {
  let exposer: Exposer;
  let prometheus: Prometheus;
  let sum = 0;
  before(async () => {
    const producer = new Producer(1);
    const now = Date.now();
    const record = (family: Family, value: number) => producer.record(family, value, [], now);
    record(latency, 0);
    for (const [index, count] of example) {
      for (let i = 0; i < count; i += 1) {
        record(latency, inside(index));
        sum += inside(index);
      }
    }
    for (const value of spreadValues) record(spread, value);
    exposer = await Exposer.start(producer.frames(now));
    prometheus = await Prometheus.start({
      targets: [{ job: "exposer", url: exposer.url }],
      nativeHistograms: true,
    });
    await prometheus.eventually("histogram_count(spread)", ({ length }) => length === 1);
  });
  after(async () => {
    await prometheus?.stop();
    await exposer?.stop();
  });

  test("the scrape succeeds over protobuf", async () => {
    const [target] = await prometheus.scraped();
    assert.equal(target?.health, "up", target?.lastError);
    const [type, ...others] = exposer.contentTypes;
    assert.match(type ?? "", /^application\/vnd\.google\.protobuf;/);
    assert.deepEqual(others, []);
  });

  test("the known example has its count, its sum and its median", async () => {
    assert.equal(await prometheus.value("histogram_count(latency)"), 15);
    const shown = await prometheus.value("histogram_sum(latency)");
    assert.ok(Math.abs(shown - sum) <= 1e-12 * sum, `${shown}, ${sum}`);
    assert.equal(await prometheus.value("histogram_quantile(0.5, latency)"), 0.894171754819384);
  });

  for (const quantile of [0.01, 0.1, 0.5, 0.9, 0.99, 0.999]) {
    test(`quantile ${quantile} is within the error of the schema`, async () => {
      const shown = await prometheus.value(`histogram_quantile(${quantile}, spread)`);
      const exact = spreadValues[Math.ceil(quantile * spreadValues.length) - 1] ?? 0;
      // A bucket of schema 3 is 9.05 % wide.
      assert.ok(Math.abs(shown / exact - 1) < 2 ** (1 / 8) - 1, `${shown}, exactly ${exact}`);
    });
  }
});
