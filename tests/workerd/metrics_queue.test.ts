import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";
import { type PlainWorkers, startPlainWorkers } from "./harness/plain_workerd.ts";

/** Each is a frame of about 70 kB, so that 3000 are 200 MB. */
const flushes = Number(process.env["ISOTEL_QUEUE_FLUSHES"] ?? 300);
const labelSets = 850;
const seed = 7;

interface ProducerCounts {
  readonly sends: number;
  readonly bytes: number;
  readonly frames: number;
  readonly waiting: number;
  readonly failedBefore: number;
  readonly failedByQueue: number;
  readonly failedAfter: number;
  readonly memoryBytes: number;
}

interface ConsumerCounts {
  readonly batches: number;
  readonly messages: number;
  readonly failedBefore: number;
  readonly failedAfter: number;
  readonly memoryBytes: number;
}

interface GateCounts {
  readonly refused: number;
  readonly unanswered: number;
}

describe("a Worker that sends through a real queue to a consumer, while each of them fails", () => {
  let workers: PlainWorkers;
  before(async () => {
    const app = "tests/workerd/apps/metrics_queue";
    const vars = { SEED: String(seed) };
    workers = await startPlainWorkers([
      { name: "shop", main: `${app}/index.ts`, vars, queues: { QUEUE: "gate" } },
      { name: "gate", main: `${app}/gate.ts`, vars, services: { QUEUES: { queue: "telemetry" } } },
      {
        name: "consumer",
        main: `${app}/consumer.ts`,
        vars,
        durableObjects: { TELEMETRY: "TelemetryAggregator" },
        consumes: { telemetry: { maxBatchSize: 20, maxBatchTimeout: 0, maxRetries: 100 } },
      },
    ]);
  });
  after(() => workers.close());

  const ask = async (worker: string, path: string): Promise<string> => {
    const response = await workers.fetchFrom(worker, path);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  const countsOf = async <T>(worker: string) => JSON.parse(await ask(worker, "/counts")) as T;
  const record = async (times: number) => {
    for (let i = 0; i < times; i += 1) await ask("shop", `/record?sets=${labelSets}`);
  };
  const memory = async () => ({
    producer: (await countsOf<ProducerCounts>("shop")).memoryBytes,
    consumer: (await countsOf<ConsumerCounts>("consumer")).memoryBytes,
  });

  test("every record arrives once, nothing waits in the end, and memory stays as it is", {
    timeout: 600_000,
  }, async (t) => {
    await record(flushes / 2);
    const middle = await memory();
    await record(flushes / 2);
    const end = await memory();

    await ask("shop", "/mend");
    await ask("gate", "/mend");
    await eventually(async () => {
      await ask("shop", "/mend");
      assert.equal((await countsOf<ProducerCounts>("shop")).waiting, 0);
    }, 20_000);
    const produced = await countsOf<ProducerCounts>("shop");
    let samples = new Map<string, number>();
    await eventually(async () => {
      samples = samplesOf(await ask("consumer", "/metrics"));
      assert.equal(samples.get("isotel_frames_applied_total"), produced.frames);
    }, 60_000);
    const consumed = await countsOf<ConsumerCounts>("consumer");
    const gate = await countsOf<GateCounts>("gate");
    t.diagnostic(JSON.stringify({ produced, gate, consumed, middle, end }));

    for (let i = 0; i < labelSets; i += 1) {
      const plan = `plan ${i} `.padEnd(48, "p");
      assert.equal(samples.get(`orders_total{plan="${plan}"}`), flushes * (1 + (i % 7)));
    }
    assert.equal(samples.get("isotel_frames_rejected_total"), 0);
    assert.deepEqual(end, middle);
    // Each kind of failure has happened.
    const { failedBefore, failedByQueue, failedAfter } = produced;
    assert.equal(failedByQueue, gate.refused + gate.unanswered);
    for (const count of [failedBefore, failedAfter, gate.refused, gate.unanswered]) {
      assert.ok(count > 0);
    }
    assert.ok(consumed.failedBefore > 0 && consumed.failedAfter > 0);
    // More than an isolate may hold back.
    assert.ok(produced.bytes > 10 * 2 ** 20);
  });
});
