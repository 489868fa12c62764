import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SnapshotRequest } from "../../../bindings/metrics_export/encode_part.ts";
import { type Message, readJson, readProtobuf } from "../../otlp/definitions.ts";
import { type CollectedMetric, encodeMetrics, type Family } from "../../otlp/metrics.ts";
import { Random } from "../../wasm/support/random.ts";
import { MetricsWorld } from "./support/metrics_world.ts";

const bounds = [0.1, 1, 2.5, 10];

const families: readonly Family[] = [
  { kind: "counter", name: "a.orders", help: "Orders.", unit: "{order}", labels: ["plan", "zone"] },
  { kind: "gaugeLast", name: "b.depth", help: "", unit: "By", labels: ["plan", "zone"] },
  {
    kind: "histogram",
    name: "c.latency",
    help: "Größe ⏱",
    unit: "s",
    labels: ["plan", "zone"],
    bounds,
  },
  {
    kind: "exponentialHistogram",
    name: "d.size",
    help: "x",
    unit: "",
    labels: ["plan", "zone"],
    schema: 2,
  },
];

/** The buckets OpenTelemetry's mapping gives at a scale; index i is (base^i, base^(i+1)]. */
function exponentialBuckets(values: readonly number[], scale: number) {
  const indices = values.map((value) => {
    // An exact power of the base is the upper end of its bucket.
    const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1;
    return index;
  });
  if (indices.length === 0) return { offset: 0, bucketCounts: [] };
  const offset = Math.min(...indices);
  const counts = new Array<number>(Math.max(...indices) - offset + 1).fill(0);
  for (const index of indices) counts[index - offset] = (counts[index - offset] ?? 0) + 1;
  return { offset, bucketCounts: counts };
}

/** What the SDK would have collected of these values. */
function collectedValue(family: Family, values: readonly number[]): unknown {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (family.kind) {
    case "counter":
      return sum;
    case "gaugeLast":
      return values.at(-1);
    case "histogram": {
      const counts = new Array<number>(bounds.length + 1).fill(0);
      for (const value of values) {
        const index = bounds.findIndex((bound) => value <= bound);
        const bucket = index < 0 ? bounds.length : index;
        counts[bucket] = (counts[bucket] ?? 0) + 1;
      }
      return { count: values.length, sum, buckets: { boundaries: bounds, counts } };
    }
    default:
      return {
        count: values.length,
        sum,
        scale: family.schema,
        zeroCount: values.filter((value) => value === 0).length,
        positive: exponentialBuckets(
          values.filter((value) => value > 0),
          family.schema ?? 0,
        ),
        negative: { offset: 0, bucketCounts: [] },
      };
  }
}

/** Leaves out what OpenTelemetry's exporter does not write, or writes differently without meaning anything by it. */
function comparable(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => comparable(item, name));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(
      ([key]) => key !== "zeroThreshold" && !(name === "gauge" && key === "startTimeUnixNano"),
    )
    .map(([key, field]) => [
      key,
      // An empty side of an exponential histogram may be left out.
      field === null && (key === "positive" || key === "negative")
        ? { offset: 0, bucketCounts: [] }
        : comparable(field, key === "dataPoints" ? name : key),
    ]);
  return Object.fromEntries(entries);
}

const request: SnapshotRequest = {
  resource: { "service.name": "shop" },
  scope: { name: "isotel", version: "1" },
  format: "protobuf",
  temporality: "cumulative",
};

interface Series {
  readonly labels: readonly [string, string];
  readonly row: number;
  readonly createdUnixMs: number;
  readonly values: number[];
  /** How many of the values had been recorded when the base was taken. */
  atBase: number;
}

class Simulation {
  readonly world = new MetricsWorld();
  readonly series = new Map<Family, Series[]>();
  readonly #random: Random;
  readonly #ids: readonly number[];

  constructor(random: Random) {
    this.#random = random;
    this.#ids = families.map((family) => this.world.declare(family));
    for (const family of families) this.series.set(family, []);
  }

  /** In eighths, whose sums are exact, and never an edge that logarithms would miss. */
  #value(): number {
    return this.#random.once(10) ? 0 : this.#random.below(4000) / 8;
  }

  work(nowUnixMs: number): void {
    const random = this.#random;
    for (let left = random.below(60); left > 0; left -= 1) {
      const index = random.below(families.length);
      const all = this.series.get(families[index] as Family) as Series[];
      const labels = [
        random.pick(["free", "pro", "größe", ""]),
        random.pick(["eu", "us"]),
      ] as const;
      let one = all.find((series) => series.labels.join() === labels.join());
      if (one === undefined) {
        const row = this.world.bind(this.#ids[index] as number, labels, nowUnixMs);
        one = { labels, row, createdUnixMs: nowUnixMs, values: [], atBase: 0 };
        all.push(one);
      }
      const value = this.#value();
      this.world.record(one.row, value);
      one.values.push(value);
    }
  }

  /** What the SDK would collect: of everything, or of what came since the base. */
  collected(unixMs: number, baseUnixMs?: number): CollectedMetric[] {
    const metrics = families.map((family) => ({
      family,
      points: (this.series.get(family) as Series[])
        .filter(({ values, atBase }) =>
          family.kind === "gaugeLast" || baseUnixMs === undefined
            ? true
            : family.kind === "counter"
              ? values.slice(atBase).some((value) => value > 0) || atBase === 0
              : values.length > atBase,
        )
        .map(({ labels: [plan, zone], values, createdUnixMs, atBase }) => ({
          attributes: plan === "" ? { zone } : { plan, zone },
          startUnixMs: baseUnixMs === undefined || atBase === 0 ? createdUnixMs : baseUnixMs,
          unixMs,
          value: collectedValue(
            family,
            family.kind === "gaugeLast" || baseUnixMs === undefined ? values : values.slice(atBase),
          ),
        })),
    }));
    return metrics.filter(({ points }) => points.length > 0);
  }
}

/** Points in the order of their attributes: nobody promises another. */
function sorted(message: Message): Message {
  const sort = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sort);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        key,
        key === "dataPoints"
          ? (field as Message[]).toSorted((a, b) =>
              JSON.stringify(a["attributes"]) < JSON.stringify(b["attributes"]) ? -1 : 1,
            )
          : key === "metrics"
            ? (sort(field) as Message[]).toSorted((a, b) =>
                String(a["name"]) < String(b["name"]) ? -1 : 1,
              )
            : sort(field),
      ]),
    );
  };
  return sort(message) as Message;
}

describe("metrics against OpenTelemetry's own encoder, read with the official definitions", () => {
  for (const temporality of ["cumulative", "delta"] as const) {
    test(`snapshots of random totals are the same messages, ${temporality}`, () => {
      let points = 0;
      for (let seed = 1; seed <= 150; seed += 1) {
        const simulation = new Simulation(new Random(seed));
        const { world } = simulation;
        simulation.work(1000);
        world.takeSnapshot(2000);
        const isDelta = temporality === "delta";
        if (isDelta) {
          world.keepAsBase();
          for (const series of [...simulation.series.values()].flat()) {
            series.atBase = series.values.length;
          }
          simulation.work(2500);
          world.takeSnapshot(3000);
        }
        const collected = simulation.collected(isDelta ? 3000 : 2000, isDelta ? 2000 : undefined);
        const options = { ...request, temporality };
        const ours = sorted(readProtobuf("metrics", world.encode(options)));
        const theirs = sorted(readProtobuf("metrics", encodeMetrics(collected, options)));
        assert.deepEqual(comparable(ours), comparable(theirs), `seed ${seed}`);
        const json = sorted(readJson("metrics", world.encode({ ...options, format: "json" })));
        assert.deepEqual(json, ours, `seed ${seed}`);
        points += collected.reduce((sum, metric) => sum + metric.points.length, 0);
      }
      assert.ok(points > 1000, `${points} points`);
    });
  }

  test("texts of the resource that would make a character together stay apart", () => {
    const world = new MetricsWorld();
    world.takeSnapshot(1000);
    const resource = { a: "\ud83d", b: "\ude00" };
    const message = readProtobuf("metrics", world.encode({ ...request, resource }));
    assert.match(JSON.stringify(message), /"\ufffd".*"\ufffd"/);
  });
});
