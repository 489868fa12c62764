import assert from "node:assert/strict";
import { after, before, describe, mock, test } from "node:test";
import { consumeTelemetry, metricsResponse, TelemetryAggregator } from "isotel/aggregator";
import { MetricKind } from "../../../bindings/core/abi.gen.ts";
import { type Family, Producer } from "../../wasm/support/producer.ts";
import { Random } from "../../wasm/support/random.ts";
import { MemoryStorage, NamespaceDouble } from "../support/runtime_doubles.ts";

/**
 * A day in production in virtual time: isolates that record and are replaced by deployments and rollbacks, a queue that
 * repeats, reorders and delays, aggregators that fail and are evicted, shards that are added, and series that expire.
 * Truth is counted beside it. Increases are computed from scrapes as Prometheus does.
 *
 * ISOTEL_SIMULATION: number of isolates, of label sets and of hours, for example `1000,10000,24`.
 */
const [isolates = 40, labelSets = 400, hours = 8] = (process.env["ISOTEL_SIMULATION"] ?? "")
  .split(",")
  .filter((text) => text !== "")
  .map(Number);

const startUnixMs = 1_700_000_000_000;
const minuteMs = 60_000;
const minutes = 60 * hours;
const scrapeMinutes = 5;
/** Much shorter than the time for which rare label sets pause. */
const shortExpiryMs = 90 * minuteMs;
const maxDelayMinutes = 20;
const maxBatch = 100;
const batchesPerMinute = Math.ceil(isolates / 60);
const openMetrics = "application/openmetrics-text; version=1.0.0";

/**
 * Expiry and several shards are simulated apart: a series that returns after one shard has removed its part and before
 * the next one has is too high by the rest.
 */
const cases = [
  { what: "expiry", seriesExpiryMs: shortExpiryMs, shardsByThird: [1, 1, 1] },
  {
    what: "shards that are added",
    seriesExpiryMs: Number.POSITIVE_INFINITY,
    shardsByThird: [1, 2, 5],
  },
] as const;

/** The families of a release. Definitions change and come back. */
function familiesOf(release: number): readonly Family[] {
  const bounds = [
    [1, 5, 10],
    [2, 4, 8, 16],
    [1, 5, 10],
  ][release % 3] as number[];
  return [
    { name: "orders", labels: ["item"] },
    { name: "latency", kind: MetricKind.histogram, bounds, labels: ["item"] },
    // Shown alike.
    { name: release % 2 === 0 ? "jobs.done" : "jobs_done", labels: ["item"] },
  ];
}

interface Isolate {
  readonly producer: Producer;
  readonly families: readonly Family[];
  /** The minute in which it is replaced. */
  readonly ends: number;
}

/** A message of the queue. */
interface Pending {
  readonly frame: Uint8Array;
  attempts: number;
  /** The minute from which it is delivered. */
  due: number;
}

/** A series in the last scrape that showed it. */
interface Seen {
  readonly value: number;
  readonly unixMs: number;
}

for (const { what, seriesExpiryMs, shardsByThird } of cases)
  describe(`a day of deployments and failures, with ${what}`, () => {
    class Aggregator extends TelemetryAggregator {
      static override options = { seriesExpiryMs };
    }
    const random = new Random(7);
    const truth = new Map<string, number>();
    const increases = new Map<string, number>();
    const seen = new Map<string, Seen>();
    const stepsBack: string[] = [];
    const counts = {
      frames: 0,
      duplicates: 0,
      lostAcks: 0,
      failures: 0,
      evictions: 0,
      resets: 0,
      expired: 0,
      conflicts: 0,
      scrapes: 0,
    };
    const storages = new Map<string, MemoryStorage>();
    const namespace = new NamespaceDouble(create);
    const env = { TELEMETRY: namespace.namespace };
    const running: Isolate[] = [];
    let queue: Pending[] = [];
    let shards: number = shardsByThird[0];
    let release = 0;
    let producers = 0;
    let minute = 0;

    function create(name: string): object {
      const storage = storages.get(name) ?? new MemoryStorage();
      storages.set(name, storage);
      const ctx = {
        storage: storage.storage,
        id: namespace.idFromName(name),
        waitUntil() {},
        blockConcurrencyWhile: (work: () => Promise<unknown>) => work(),
      };
      return new Aggregator(ctx as never, env);
    }

    function nowUnixMs(): number {
      return startUnixMs + minute * minuteMs;
    }

    /** A label set. Half of the records are of few of them, so that others pause for hours. */
    function item(): string {
      return String(
        random.once(2) ? random.below(Math.ceil(labelSets / 50)) : random.below(labelSets),
      );
    }

    function deploy(): void {
      if (minute % 120 === 0) release = random.once(4) ? Math.max(0, release - 1) : release + 1;
      shards = shardsByThird[Math.min(2, Math.floor((3 * minute) / minutes))] ?? 1;
      // A deployment takes some minutes, in which old and new isolates run.
      running.splice(0, running.length, ...running.filter(({ ends }) => ends > minute));
      while (running.length < isolates) {
        producers += 1;
        const untilNext = 120 - (minute % 120) + random.below(10);
        running.push({
          producer: new Producer(producers, shards),
          families: familiesOf(release),
          ends: minute + Math.min(untilNext, 1 + random.below(240)),
        });
      }
    }

    function record(): void {
      for (const { producer, families } of running) {
        if (!random.once(3)) continue;
        for (let left = 1 + random.below(4); left > 0; left -= 1) {
          const family = random.pick(families);
          const label = item();
          const value = 1 + random.below(20);
          producer.record(family, value, [label], nowUnixMs());
          const add = (sample: string, amount: number) => {
            const key = `${sample}{item="${label}"}`;
            truth.set(key, (truth.get(key) ?? 0) + amount);
          };
          if (family.kind === MetricKind.histogram) {
            add("latency_count", 1);
            add("latency_sum", value);
          } else {
            add(`${family.name.replace(".", "_")}_total`, value);
          }
        }
        for (const frame of producer.frames(nowUnixMs())) {
          counts.frames += 1;
          queue.push({
            frame,
            attempts: 1,
            due: minute + (random.once(4) ? random.below(maxDelayMinutes) : 0),
          });
          if (!random.once(30)) continue;
          counts.duplicates += 1;
          queue.push({ frame, attempts: 1, due: minute + random.below(maxDelayMinutes) });
        }
      }
    }

    /** Delivers messages that are due, in any order, with a failure or an eviction now and then. */
    async function deliver(all: boolean): Promise<void> {
      const due = queue.filter((message) => message.due <= minute);
      queue = queue.filter((message) => message.due > minute);
      for (let i = due.length - 1; i > 0; i -= 1) {
        const other = random.below(i + 1);
        [due[i], due[other]] = [due[other] as Pending, due[i] as Pending];
      }
      for (
        let batches = 0;
        due.length > 0 && (all || batches < 4 * batchesPerMinute);
        batches += 1
      ) {
        const taken = due.splice(0, 1 + random.below(maxBatch));
        misfortune();
        await consumeTelemetry(batchOf(taken), { aggregator: namespace.namespace, shards });
      }
      queue.push(...due);
    }

    function batchOf(taken: readonly Pending[]): MessageBatch {
      const messages = taken.map((message, index) => ({
        id: String(index),
        body: message.frame.slice(),
        attempts: message.attempts,
        ack: () => {
          if (!random.once(50)) return;
          counts.lostAcks += 1;
          again(message);
        },
        retry: () => again(message),
      }));
      return { queue: "telemetry", messages } as unknown as MessageBatch;
    }

    function again(message: Pending): void {
      queue.push({ ...message, attempts: message.attempts + 1, due: minute + 1 + random.below(3) });
    }

    function misfortune(): void {
      for (const [name, storage] of storages) {
        if (random.once(20)) {
          counts.failures += 1;
          storage.failure = new Error("the storage failed");
        }
        if (!random.once(40)) continue;
        counts.evictions += 1;
        namespace.evict(name);
      }
    }

    /** Rings the alarms that are due. The runtime repeats an alarm that failed. */
    async function ring(): Promise<void> {
      for (const [name, storage] of storages) {
        const { alarmUnixMs } = storage;
        if (alarmUnixMs === null || alarmUnixMs > nowUnixMs()) continue;
        storage.alarmUnixMs = null;
        const object = namespace.get({ name }) as { alarm(): Promise<void> };
        await object.alarm().catch(() => {
          storage.alarmUnixMs ??= nowUnixMs();
        });
      }
    }

    async function scrape(): Promise<void> {
      counts.scrapes += 1;
      for (const storage of storages.values()) storage.failure = undefined;
      const response = await metricsResponse(
        new Request("https://shop.example/metrics", { headers: { accept: openMetrics } }),
        { aggregator: namespace.namespace, shards, public: true },
      );
      const text = await response.text();
      assert.equal(response.status, 200, text.slice(0, 500));
      const samples = new Map<string, string>();
      for (const line of text.split("\n")) {
        if (line.startsWith("#") || line.includes("_bucket{")) continue;
        const at = line.lastIndexOf(" ");
        samples.set(line.slice(0, at), line.slice(at + 1));
      }
      counts.expired = Number(samples.get("isotel_series_expired_total") ?? 0);
      counts.conflicts = Number(samples.get("isotel_definition_conflicts_total") ?? 0);
      for (const [series, text] of samples) {
        if (/^(?:orders|jobs_done)_total\{|^latency_(?:count|sum)\{/.test(series))
          see(series, text, samples);
      }
    }

    function see(series: string, text: string, samples: ReadonlyMap<string, string>): void {
      const value = Number(text);
      const created = Number(samples.get(series.replace(/_(?:total|count|sum)\{/, "_created{")));
      assert.ok(created > 0, series);
      const last = seen.get(series);
      // Prometheus puts a 0 at the creation time if that is later than the last sample.
      const isNew = last === undefined || 1000 * created > last.unixMs;
      if (last !== undefined && isNew) counts.resets += 1;
      if (!isNew && value < last.value) stepsBack.push(`${series} from ${last.value} to ${value}`);
      seen.set(series, { value, unixMs: nowUnixMs() });
      const key = series.replace(/isotel_definition="[^"]*",|,isotel_definition="[^"]*"/, "");
      increases.set(key, (increases.get(key) ?? 0) + value - (isNew ? 0 : last.value));
    }

    before(async () => {
      mock.timers.enable({ apis: ["Date"], now: startUnixMs });
      // The aggregators report each failure.
      mock.method(console, "error", () => {});
      for (; minute < minutes; minute += 1) {
        mock.timers.setTime(nowUnixMs());
        deploy();
        record();
        await deliver(false);
        await ring();
        if (minute % scrapeMinutes === 0) await scrape();
      }
      for (let rounds = 0; queue.length > 0 && rounds < 500; rounds += 1, minute += 1) {
        mock.timers.setTime(nowUnixMs());
        await deliver(true);
        await ring();
        if (minute % scrapeMinutes === 0) await scrape();
      }
      await scrape();
    });
    after(() => mock.reset());

    test("everything happened that can happen", (context) => {
      context.diagnostic(
        JSON.stringify({ isolates, labelSets, hours, producers, series: truth.size, ...counts }),
      );
      assert.equal(queue.length, 0);
      const { resets, expired, ...others } = counts;
      for (const [name, count] of Object.entries(others)) assert.ok(count > 0, name);
      const expires = seriesExpiryMs === shortExpiryMs;
      assert.deepEqual([resets > 0, expired > 0], [expires, expires]);
      assert.equal(storages.size, shardsByThird[2]);
    });

    test("nothing was lost and nothing was added twice", () => {
      assert.ok(truth.size > labelSets);
      const wrong = [...truth].filter(([key, value]) => increases.get(key) !== value);
      assert.deepEqual(
        wrong.map(([key, value]) => `${key} ${increases.get(key)} for ${value}`).slice(0, 20),
        [],
      );
      assert.deepEqual(
        [...increases.keys()].filter((key) => !truth.has(key)),
        [],
      );
    });

    test("no series stepped back without a new creation time", () => {
      assert.deepEqual(stepsBack.slice(0, 20), []);
    });
  });
