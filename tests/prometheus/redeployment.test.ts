import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MetricKind } from "../../bindings/core/abi.gen.ts";
import { type Family, Producer } from "../wasm/support/producer.ts";
import { AcceptProxy, formats } from "./support/accept_proxy.ts";
import { Exposer } from "./support/exposer.ts";
import { Prometheus } from "./support/prometheus.ts";

/**
 * Deployments that change the definition of a metric, scraped by a real Prometheus. The model counts in metrics of its
 * own, whose definitions never change: Prometheus has to compute the same from both.
 */

const schedules = Number(process.env["ISOTEL_SCHEDULES"] ?? 8);
const steps = 30;
const scrapeMs = 250;
const stepMs = 750;
/** Time of the aggregator between two steps. */
const tickMs = 120_000;
/** A definition that was not written for longer than this makes room for another one. */
const supersededMs = 300_000;

const firstDefinition = { kind: MetricKind.histogram, bounds: [0.1, 0.5, 1] };
const definitions: readonly Pick<Family, "kind" | "bounds">[] = [
  firstDefinition,
  { kind: MetricKind.histogram, bounds: [0.05, 0.2, 2] },
  { kind: MetricKind.histogram, bounds: [0.1, 0.4, 1, 3] },
  { kind: MetricKind.counter },
];
const counterDefinition = 3;

const truthCount: Family = { name: "truth_count", labels: ["definition", "schedule"] };
const truthBucket: Family = { name: "truth_bucket", labels: ["bound", "definition", "schedule"] };

/** A seeded source of numbers from 0 up to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A Worker whose metric is defined anew from time to time, or in two ways at once. */
class Schedule {
  readonly #name: string;
  readonly #number: number;
  readonly #random: () => number;
  readonly #isolates = new Map<number, Producer>();
  readonly #firstMs = new Map<number, number>();
  readonly #writtenMs = new Map<number, number>();
  #active: readonly number[] = [0];
  #stepsLeft = 4;

  constructor(number: number) {
    this.#number = number;
    this.#name = `job_${number}`;
    this.#random = random(number);
  }

  /** Records values in the definitions that run, and in the metrics of the model. */
  step(truth: Producer, nowMs: number): Uint8Array[] {
    this.#stepsLeft -= 1;
    if (this.#stepsLeft < 0) this.#deploy();
    return this.#active.flatMap((definition) => {
      const isolate = this.#isolates.get(definition) ?? new Producer(producers++);
      this.#isolates.set(definition, isolate);
      if (!this.#firstMs.has(definition)) this.#firstMs.set(definition, nowMs);
      this.#writtenMs.set(definition, nowMs);
      for (let left = 1 + Math.floor(this.#random() * 20); left > 0; left -= 1) {
        const value = this.#random() ** 3 * 4;
        isolate.record({ ...definitions[definition], name: this.#name }, value, [], nowMs);
        this.#count(truth, definition, value, nowMs);
      }
      return isolate.frames(nowMs);
    });
  }

  /** Returns the histogram whose buckets are shown: the newest one in use, otherwise the last one that was. */
  current(nowMs: number): number | undefined {
    const newestFirst = [...this.#firstMs.keys()]
      .filter((definition) => definition !== counterDefinition)
      .sort((a, b) => (this.#firstMs.get(b) ?? 0) - (this.#firstMs.get(a) ?? 0));
    const written = (definition: number) => this.#writtenMs.get(definition) ?? 0;
    const inUse = newestFirst.find((definition) => written(definition) + supersededMs >= nowMs);
    return inUse ?? newestFirst.sort((a, b) => written(b) - written(a))[0];
  }

  #count(truth: Producer, definition: number, value: number, nowMs: number): void {
    const labels = [String(definition), String(this.#number)];
    const isCounter = definition === counterDefinition;
    truth.record(truthCount, isCounter ? value : 1, labels, nowMs);
    if (isCounter) return;
    for (const bound of [...(definitions[definition]?.bounds ?? []), Number.POSITIVE_INFINITY]) {
      // Prometheus has a series of each bucket from the first record on.
      truth.record(truthBucket, value <= bound ? 1 : 0, [boundText(bound), ...labels], nowMs);
    }
  }

  #deploy(): void {
    const next = Math.floor(this.#random() * definitions.length);
    const before = this.#active.at(-1) ?? 0;
    // Half of the deployments are gradual: both versions run for some time.
    this.#active = next !== before && this.#random() < 0.5 ? [before, next] : [next];
    this.#stepsLeft = 2 + Math.floor(this.#random() * 6);
  }
}

function boundText(bound: number): string {
  return Number.isFinite(bound) ? String(bound) : "+Inf";
}

let producers = 1;

describe("definitions that change, in a real Prometheus", () => {
  const all = Array.from({ length: schedules }, (_, number) => new Schedule(number));
  /** The time of Prometheus at the end of each step, and the histograms that were current then. */
  const ends: { readonly seconds: number; readonly current: readonly (number | undefined)[] }[] =
    [];
  let nowMs = 1_700_000_000_000;
  let exposer: Exposer;
  let proxies: AcceptProxy[] = [];
  let prometheus: Prometheus;

  before(async () => {
    exposer = await Exposer.start([], () => nowMs);
    proxies = await Promise.all(
      formats.map(([, accept]) => AcceptProxy.start(exposer.url, accept)),
    );
    prometheus = await Prometheus.start({
      targets: formats.map(([job], index) => ({ job, url: proxies[index]?.url ?? exposer.url })),
      nativeHistograms: true,
      scrapeIntervalMs: scrapeMs,
    });
    await prometheus.scraped();
    const truth = new Producer(producers++);
    for (let step = 0; step < steps; step += 1) {
      nowMs += tickMs;
      exposer.apply(all.flatMap((schedule) => schedule.step(truth, nowMs)));
      exposer.apply(truth.frames(nowMs));
      await sleep(stepMs);
      ends.push({
        seconds: Date.now() / 1000,
        current: all.map((schedule) => schedule.current(nowMs)),
      });
    }
  });
  after(async () => {
    await prometheus?.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await exposer?.stop();
  });

  /** Throws if two queries have different results for a job. */
  async function same(shown: string, expected: string): Promise<void> {
    const byJob = async (expression: string) =>
      new Map(
        (await prometheus.query(expression)).map(({ labels, value }) => [labels["job"], value]),
      );
    const [actual, truth] = await Promise.all([byJob(shown), byJob(expected)]);
    assert.deepEqual([...actual.keys()].sort(), [...truth.keys()].sort(), shown);
    for (const [job, value] of truth) {
      const own = actual.get(job) ?? Number.NaN;
      const isSame = Number.isNaN(value)
        ? Number.isNaN(own)
        : Math.abs(own - value) <= 1e-9 * (1 + value);
      assert.ok(isSame, `${shown} of ${job} is ${own}. It should be ${value}.`);
    }
  }

  test("all three formats were scraped without an error", async () => {
    for (const { health, lastError } of await prometheus.targets()) {
      assert.equal(health, "up", lastError);
    }
    assert.deepEqual(
      proxies.map(({ answers }) => [...answers].map((type) => type.split(";")[0])),
      [["text/plain"], ["application/openmetrics-text"], ["application/vnd.google.protobuf"]],
    );
  });

  test("the increase over every deployment and rollback is what was counted", async () => {
    for (let number = 0; number < schedules; number += 1) {
      for (const [step, { seconds }] of ends.entries()) {
        for (const windowMs of [2 * stepMs, (step + 1) * stepMs]) {
          const at = `[${windowMs}ms] @ ${seconds.toFixed(3)}`;
          const labels = `schedule="${number}"`;
          await same(
            `sum by (job) (increase(job_${number}_count${at}))`,
            `sum by (job) (increase(truth_count_total{${labels},definition!="${counterDefinition}"}${at}))`,
          );
          await same(
            `sum by (job) (increase(job_${number}_total${at}))`,
            `sum by (job) (increase(truth_count_total{${labels},definition="${counterDefinition}"}${at}))`,
          );
        }
      }
    }
  });

  test("quantiles are those of the definition in use, never of mixed buckets", async () => {
    let compared = 0;
    for (let number = 0; number < schedules; number += 1) {
      for (const [step, { seconds, current }] of ends.entries()) {
        const definition = current[number];
        // A window in which the definition changes has buckets of both, as after a restart of any client. The last
        // scrape of a window may be answered in the next step.
        const around = [-2, -1, 1].map((steps) => ends[step + steps]?.current[number]);
        if (definition === undefined || around.some((other) => other !== definition)) continue;
        compared += 1;
        const at = `[${2 * stepMs - scrapeMs}ms] @ ${seconds.toFixed(3)}`;
        const truth = `truth_bucket_total{schedule="${number}",definition="${definition}"}`;
        await same(
          `histogram_quantile(0.9, sum by (job, le) (rate(job_${number}_bucket${at})))`,
          `histogram_quantile(0.9, sum by (job, le) (label_replace(rate(${truth}${at}), "le", "$1", "bound", "(.*)")))`,
        );
      }
    }
    assert.ok(compared > schedules, `${compared} windows were compared.`);
  });
});
