import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { MetricsExportCounts } from "../../bindings/slots/metrics_export.ts";
import { type LocalWorker, startWorkers } from "../harness/start.ts";
import {
  type ReceivedRequest,
  type Receiver,
  type Step,
  startReceiver,
  takenOnce,
} from "../otlp_receiver/receiver.ts";
import { type SeriesTotal, seriesTotals } from "../otlp_receiver/sums.ts";
import { latency, orders, size } from "../wasm/support/families.ts";
import { Producer } from "../wasm/support/producer.ts";
import { Random } from "../wasm/support/random.ts";
import { eventually } from "./harness/eventually.ts";
import { base64, samplesOf } from "./harness/metrics_app.ts";

const families = [orders, latency, size];
const plans = Array.from({ length: 12 }, (_, index) => `plan-${index}`);
const shards = ["isotel-0", "isotel-1"];

const name = "metrics_export";

/** Requests by the aggregator that sent them. */
function byInstance(requests: readonly ReceivedRequest[]): Map<unknown, ReceivedRequest[]> {
  const instances = new Map<unknown, ReceivedRequest[]>();
  for (const request of requests) {
    const instance = request.resource["service.instance.id"];
    instances.set(instance, [...(instances.get(instance) ?? []), request]);
  }
  return instances;
}

/** What a backend makes of the series of all aggregators together. */
function sumsOf(receiver: Receiver, service: string): Map<string, SeriesTotal> {
  const sums = new Map<string, SeriesTotal>();
  const requests = takenOnce(receiver.requests).filter(
    ({ resource }) => resource["service.name"] === service,
  );
  for (const own of byInstance(requests).values()) {
    for (const [key, total] of seriesTotals(own.flatMap(({ points }) => points))) {
      const sum = sums.get(key) ?? { value: 0, count: 0, sum: 0, buckets: {} };
      sum.value += total.value;
      sum.count += total.count;
      sum.sum += total.sum;
      for (const [bucket, count] of Object.entries(total.buckets)) {
        sum.buckets[bucket] = (sum.buckets[bucket] ?? 0) + count;
      }
      sums.set(key, sum);
    }
  }
  return sums;
}

describe("metrics that an aggregator exports", () => {
  let worker: LocalWorker;
  let totals: Receiver;
  let changes: Receiver;
  before(async () => {
    [totals, changes] = await Promise.all([startReceiver(), startReceiver()]);
    // What was taken and not heard of comes again; no backend finds fault with it then.
    for (const receiver of [totals, changes]) receiver.knowsBodies = true;
    const classes = {
      EXPORTING: "Exporting",
      PATIENT: "Patient",
      BROKEN_KV: "BrokenKv",
      REFUSED: "Refused",
    };
    worker = await startWorkers([
      {
        name,
        main: `tests/workerd/apps/${name}/index.ts`,
        vars: { TOTALS: totals.url, CHANGES: changes.url },
        durable_objects: {
          bindings: Object.entries(classes).map(([name, class_name]) => ({ name, class_name })),
        },
        migrations: [{ tag: "v1", new_sqlite_classes: Object.values(classes) }],
        kv_namespaces: [
          { binding: "TELEMETRY_KV", id: "telemetry" },
          { binding: "PATIENT_KV", id: "patient" },
        ],
      },
    ]);
  });
  after(async () => {
    await Promise.all([totals.close(), changes.close()]);
    await worker.close();
  });

  const apply = async (parameters: string, frames: readonly Uint8Array[]) => {
    const body = JSON.stringify(frames.map(base64));
    const response = await worker.fetch(`/apply?${parameters}`, { method: "POST", body });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text) as number[];
  };
  const scrape = async (parameters: string) =>
    samplesOf(await (await worker.fetch(`/metrics?${parameters}`)).text());
  const countsOf = async (parameters: string) =>
    (await (await worker.fetch(`/counts?${parameters}`)).json()) as MetricsExportCounts[];

  test("every increment of many isolates arrives exactly once, in totals and in deltas, whatever backends answer and whenever objects are evicted", {
    timeout: 90_000,
  }, async (t) => {
    const random = new Random(7);
    const json = { "content-type": "application/json" };
    const faults: readonly Step[] = [
      { status: 503 },
      { status: 429, headers: { "retry-after": "1" } },
      { status: 400 },
      { hangs: true },
      { resets: true },
      {
        headers: json,
        body: '{"partialSuccess":{"rejectedDataPoints":"0","errorMessage":"slow"}}',
      },
    ];
    const producers = Array.from({ length: 10 }, (_, number) => new Producer(number));
    const truth = new Map<string, { count: number; sum: number }>();
    let evictions = 0;
    let crashes = 0;
    for (const { script } of [totals, changes]) {
      script.push(
        { status: 503 },
        { hangs: true },
        { status: 429, headers: { "retry-after": "1" } },
      );
    }
    const repeatedBy = ({ requests }: Receiver) =>
      requests.length - new Set(requests.map(({ digest }) => digest)).size;
    const hasHappened = () =>
      [totals, changes].every(
        (receiver) => takenOnce(receiver.requests).length >= 8 && repeatedBy(receiver) >= 2,
      ) && Math.min(evictions, crashes) >= 4;
    for (let step = 1; !hasHappened(); step += 1) {
      const number = random.below(producers.length);
      const producer = producers[number] as Producer;
      for (let left = random.below(10); left > 0; left -= 1) {
        const family = random.pick(families);
        const plan = random.pick(plans);
        // In eighths, whose sums are exact.
        const value = random.below(4_000) / 8;
        producer.record(family, value, [plan], Date.now());
        const key = `${family.name} plan=${plan}`;
        const { count, sum } = truth.get(key) ?? { count: 0, sum: 0 };
        truth.set(key, { count: count + 1, sum: sum + value });
      }
      const frames = producer.frames(Date.now());
      const object = `object=${shards[number % shards.length]}`;
      await apply(object, frames);
      // A queue that delivers again.
      if (random.once(4)) await apply(object, frames);
      for (const { script } of [totals, changes]) {
        if (script.length === 0 && random.once(6)) script.push(random.pick(faults));
      }
      if (step % 40 === 0) {
        const shard = random.pick(shards);
        if (evictions > crashes) {
          crashes += 1;
          await worker.fetch(`/crash?object=${shard}`);
        } else {
          evictions += 1;
          await worker.evict("EXPORTING", shard);
        }
      }
    }
    for (const { script } of [totals, changes]) script.length = 0;

    for (const receiver of [totals, changes]) {
      await eventually(async () => {
        const sums = sumsOf(receiver, "shop");
        assert.deepEqual(new Set(sums.keys()), new Set(truth.keys()));
        for (const [key, { count, sum }] of truth) {
          const total = sums.get(key) as SeriesTotal;
          if (key.startsWith("orders")) {
            assert.equal(total.value, sum, key);
          } else {
            const inBuckets = Object.values(total.buckets).reduce((all, one) => all + one, 0);
            assert.deepEqual([total.sum, total.count, inBuckets], [sum, count, count], key);
          }
        }
      }, 20_000);
    }

    const counts = { evictions, crashes, requests: 0, repeated: 0, intervals: 0 };
    for (const [receiver, temporality] of [
      [totals, 2],
      [changes, 1],
    ] as const) {
      counts.requests += receiver.requests.length;
      counts.repeated += repeatedBy(receiver);
      const instances = byInstance(takenOnce(receiver.requests));
      assert.equal(instances.size, shards.length);
      for (const requests of instances.values()) {
        const points = requests.flatMap((request) => request.points);
        assert.ok(points.every((point) => point.temporality === temporality));
        const times = [...new Set(points.map(({ unixMs }) => unixMs))].sort((a, b) => a - b);
        times.slice(1).forEach((time, index) => {
          assert.ok(time - (times[index] as number) >= 1_000, `${times}`);
        });
        counts.intervals += times.length;
      }
    }
    assert.ok(changes.requests.every(({ bytes }) => bytes <= 4_000));
    t.diagnostic(JSON.stringify(counts));
  });

  test("a backend that hangs keeps nothing from being published, and what was on its way goes out again", async () => {
    const parameters = "class=PATIENT";
    const producer = new Producer(100);
    const add = (value: number) =>
      apply(parameters, [producer.count(orders, value, Date.now(), ["x"])]);
    const own = () =>
      totals.requests.filter(({ resource }) => resource["service.name"] === "patient");
    totals.otherwise = { hangs: true };
    try {
      await add(1);
      await eventually(async () => assert.equal(own().length, 1));
      await add(2);
      await eventually(async () => {
        assert.equal((await scrape(parameters)).get('orders_total{plan="x"}'), 3);
      }, 5_000);
      const [counts] = await countsOf(parameters);
      assert.deepEqual([counts?.isPending, counts?.requests], [true, 0], "it still hangs");
    } finally {
      totals.otherwise = {};
    }
    await worker.fetch(`/crash?${parameters}`);
    await add(4);
    await eventually(async () => {
      const [first, again, later] = own();
      assert.equal(again?.digest, first?.digest);
      assert.deepEqual([again?.points[0]?.value, later?.points[0]?.value], [1, 7]);
    });
  });

  test("KV that fails keeps nothing from being exported", async () => {
    const parameters = "class=BROKEN_KV";
    const producer = new Producer(200);
    for (let sent = 1; sent <= 3; sent += 1) {
      await apply(parameters, [producer.count(orders, 1, Date.now(), ["y"])]);
      await eventually(async () => {
        assert.equal(sumsOf(totals, "broken").get("orders plan=y")?.value, sent);
      }, 4_000);
    }
  });

  test("a backend that takes no metrics is refused, and everything else goes on", async () => {
    const parameters = "class=REFUSED";
    await apply(parameters, [new Producer(300).count(orders, 5, Date.now(), ["z"])]);
    const samples = await scrape(`${parameters}&direct`);
    assert.equal(samples.get('orders_total{plan="z"}'), 5);
    assert.deepEqual(await countsOf(parameters), []);
  });
});
