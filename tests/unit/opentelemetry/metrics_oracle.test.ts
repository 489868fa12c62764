// The same generated measurements through isotel and through OpenTelemetry's SDK have the same totals.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Attributes, Meter, MeterProvider, Observable } from "@opentelemetry/api";
import { OtelMeterProvider } from "../../../bindings/opentelemetry/metrics/otel_meter.ts";
import { type SdkPoint, sdkMetrics } from "../../opentelemetry/sdk.ts";
import { Random } from "../../wasm/support/random.ts";
import { metering } from "../support/metering.ts";

const programs = 400;

const keys = ["a", "b.c", "ä", "le", "__reserved", "x".repeat(50)];
const values = ["one", "two", true, 5, ["a", "b"], "ü"] as const;
const attributeSets = (random: Random): Attributes => {
  const attributes: Record<string, Attributes[string]> = {};
  for (let left = random.below(4); left > 0; left -= 1) {
    attributes[random.pick(keys)] = random.pick(values) as string;
  }
  return attributes;
};

/** A number that both sides add up exactly, or one that no counter takes. */
const amount = (random: Random): number =>
  random.once(12) ? -random.below(50) : random.below(4_000) / 8;

class Program {
  readonly #random: Random;
  /** What the callbacks observe now, by the name of the instrument. */
  readonly #observed = new Map<string, [number, Attributes][]>();
  readonly #steps: (() => void)[] = [];

  constructor(seed: number, provider: MeterProvider) {
    this.#random = new Random(seed);
    const meters = [provider.getMeter("first", "1.0.0"), provider.getMeter("second")];
    const batch: Observable[] = [];
    for (const [i, meter] of meters.entries()) {
      this.#instruments(meter, `m${i}`);
      batch.push(this.#observables(meter, `m${i}`));
    }
    meters[0]?.addBatchObservableCallback((result) => {
      for (const [value, attributes] of this.#observed.get("batch") ?? []) {
        for (const one of batch) result.observe(one, value, attributes);
      }
    }, batch);
  }

  #instruments(meter: Meter, name: string): void {
    const random = this.#random;
    const isInteger = random.once(3);
    const options = { valueType: isInteger ? 0 : 1, description: "Described." };
    const counter = meter.createCounter(`${name}.counter`, options);
    const again = meter.createCounter(`${name}.counter`, options);
    const upDown = meter.createUpDownCounter(`${name}/updown`, options);
    const gauge = meter.createGauge(`${name}.gauge`, options);
    const plain = meter.createHistogram(`${name}.histogram`, options);
    const advice = { explicitBucketBoundaries: [1, 10, 100.5] };
    const advised = meter.createHistogram(`${name}.advised`, { ...options, advice });
    const record = (take: (value: number, attributes: Attributes) => void) => {
      this.#steps.push(() => take(amount(random), attributeSets(random)));
    };
    record((value, attributes) => counter.add(value, attributes));
    record((value) => again.add(value));
    record((value, attributes) => upDown.add(value - 200, attributes));
    record((value, attributes) => gauge.record(1 - value, attributes));
    record((value, attributes) => plain.record(value * 30, attributes));
    record((value, attributes) => advised.record(value, attributes));
  }

  #observables(meter: Meter, name: string): Observable {
    const random = this.#random;
    const made = [
      meter.createObservableCounter(`${name}.seen.counter`),
      meter.createObservableUpDownCounter(`${name}.seen.updown`),
      meter.createObservableGauge(`${name}.seen.gauge`),
    ];
    for (const [i, one] of made.entries()) {
      const key = `${name} ${i}`;
      one.addCallback(async (result) => {
        await null;
        for (const [value, attributes] of this.#observed.get(key) ?? []) {
          result.observe(value, attributes);
        }
      });
      this.#steps.push(() => this.#observe(key, i === 0));
    }
    const batched = meter.createObservableUpDownCounter(`${name}.batched`);
    this.#steps.push(() => this.#observe("batch", false));
    if (random.once(2)) {
      const removed = meter.createObservableGauge(`${name}.removed`);
      const callback = () => assert.fail("was removed");
      removed.addCallback(callback);
      removed.removeCallback(callback);
    }
    return batched;
  }

  /** Changes what a callback observes. Label sets stay, because isotel keeps the last value of each. */
  #observe(key: string, grows: boolean): void {
    const random = this.#random;
    const known = this.#observed.get(key) ?? [];
    this.#observed.set(
      key,
      known.map(([value, attributes]) => [
        grows ? value + random.below(8) : random.below(100),
        attributes,
      ]),
    );
    const attributes = attributeSets(random);
    const text = JSON.stringify(Object.entries(attributes).sort());
    const isKnown = known.some(
      ([, other]) => JSON.stringify(Object.entries(other).sort()) === text,
    );
    if (!isKnown) this.#observed.get(key)?.push([random.below(100), attributes]);
  }

  run(): void {
    for (let left = this.#random.below(120); left > 0; left -= 1) {
      this.#random.pick(this.#steps)();
    }
  }
}

interface Family {
  readonly name: string;
  readonly type: string;
  readonly help?: string;
  readonly series: readonly {
    readonly labels: Record<string, string>;
    readonly value?: number;
    readonly sum?: number;
    readonly count?: number;
    /** Upper bounds and cumulative counts. */
    readonly buckets?: readonly (readonly [number | string, number])[];
  }[];
}

/** The label of an attribute. Expositions reserve some names. */
const shownKey = (key: string, isHistogram: boolean) =>
  key === "__reserved" ? "_reserved" : key === "le" && isHistogram ? "le_" : key;

function expected(points: readonly SdkPoint[]): Map<string, unknown> {
  return new Map(
    points.map(({ name, scope, attributes, value }) => {
      const labels = Object.entries(attributes).map(([key, own]) => [
        shownKey(key, typeof value !== "number"),
        Array.isArray(own) ? JSON.stringify(own) : String(own),
      ]);
      labels.push(["otel_scope_name", scope[0]]);
      if (scope[1] !== undefined) labels.push(["otel_scope_version", scope[1]]);
      return [`${name} ${JSON.stringify(labels.sort())}`, value];
    }),
  );
}

function actual(families: readonly Family[]): Map<string, unknown> {
  return new Map(
    families
      .filter(({ name }) => !name.startsWith("isotel_"))
      .flatMap(({ name, series }) =>
        series.map(({ labels, value, sum, count, buckets }) => {
          const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
          return [key, value ?? { sum, count, buckets: buckets?.map(([, below]) => below) }];
        }),
      ),
  );
}

describe("generated measurements", () => {
  test("have the same totals through isotel and through OpenTelemetry's SDK", async () => {
    let total = 0;
    for (let seed = 0; seed < programs; seed += 1) {
      const own = metering();
      const sdk = sdkMetrics();
      const program = new Program(seed, new OtelMeterProvider(own.meter));
      const peer = new Program(seed, sdk.provider);
      for (let collections = 1 + (seed % 3); collections > 0; collections -= 1) {
        program.run();
        peer.run();
        await own.meter.collect();
        const families = own.collect().families as readonly Family[];
        const points = await sdk.collect();
        total += points.length;
        const [a, b] = [actual(families), expected(points)];
        assert.deepEqual(new Map([...a].sort()), new Map([...b].sort()), `seed ${seed}`);
      }
    }
    assert.ok(total > 10 * programs, `${total} points`);
  });
});
