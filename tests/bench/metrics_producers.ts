import { setTimeout } from "node:timers/promises";
import { type LocalWorker, startWorkers } from "../harness/start.ts";
import { Producer } from "../wasm/support/producer.ts";
import { againstBudget, type Benchmark, type Result } from "./benchmark.ts";
import { childrenCpuMs } from "./children_cpu.ts";
import { median, undisturbed } from "./measure.ts";
import { labelSets } from "./metrics_data.ts";
import { recordAll } from "./metrics_totals.ts";
import { frameOf } from "./producer_frames.ts";

const producers = 1_000_000;
const producersOfCall = 2000;
const frames = 100;
const series = 50;
/** Batches of one request. There are several because the clock of CPU time is coarse. */
const batches = 20;
const batchBudgetMs = 10;
/** The batches of all rounds have room in memory. */
const maxRounds = 6;
/** A producer is archived after 20 s in this Worker. */
const idleMs = 21_000;
/** Enough to archive all that fit into memory, 128 at a time. */
const alarms = 140;
/** For a batch whose producers displace as many others. */
const displacingBudgetMs = 20;
const startBudgetMs = 300;

/** A frame of one counter. */
function smallFrame(): Uint8Array {
  return new Producer(1).count({ name: "orders" }, 1, Date.now());
}

/** The first two frames of a producer, as `metrics.ingest.100x50` has them. */
function usualFrames(): [Uint8Array, Uint8Array] {
  const producer = new Producer(2);
  const [first, second] = [0, 1].map(() => {
    recordAll(producer, labelSets(series), 5);
    const [frame, ...more] = producer.frames(Date.now());
    if (frame === undefined || more.length > 0) throw new Error("It is not one frame.");
    return frame;
  });
  return [first as Uint8Array, second as Uint8Array];
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

interface Times {
  /** CPU time of all threads of workerd. */
  readonly cpuMs: number;
  /** Wall time by the clock of the Worker, with the writes to disk and with other work of the machine. */
  readonly wallMs: number;
}

async function post(worker: LocalWorker, path: string, body: Uint8Array): Promise<Times> {
  const before = childrenCpuMs();
  const response = await worker.fetch(path, { method: "POST", body: body as never });
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return { cpuMs: childrenCpuMs() - before, wallMs: Number(answer) };
}

/** Returns the times of one batch, whose frames are of these producers in turn. */
async function batchOnce(worker: LocalWorker, next: () => Uint8Array): Promise<Times> {
  const parts: Uint8Array[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    parts.push(word(frames));
    for (let index = 0; index < frames; index += 1) {
      const frame = next();
      parts.push(word(frame.length), frame);
    }
  }
  const body = Buffer.concat(parts);
  const idle = await post(worker, "/receive", body);
  const busy = await post(worker, "/apply", body);
  return { cpuMs: (busy.cpuMs - idle.cpuMs) / batches, wallMs: busy.wallMs / batches };
}

async function fill(worker: LocalWorker): Promise<void> {
  const body = smallFrame();
  for (let first = 0; first < producers; first += producersOfCall) {
    const { wallMs: applied } = await post(
      worker,
      `/fill?first=${first}&count=${producersOfCall}`,
      body,
    );
    if (applied !== producersOfCall) throw new Error(`${applied} frames were applied.`);
  }
}

/** Archives all producers that are in memory. Returns how many, and how long a producer took. */
async function archiveAll(worker: LocalWorker): Promise<{ count: number; cpuUs: number }> {
  const count = async () =>
    ((await (await worker.fetch("/")).json()) as { archived: number }).archived;
  await setTimeout(idleMs);
  const before = await count();
  const { cpuMs } = await post(worker, `/alarms?count=${alarms}`, new Uint8Array());
  const archived = (await count()) - before;
  return { count: archived, cpuUs: (1000 * cpuMs) / archived };
}

function result(peerName: string, times: readonly Times[], budget: number, extra: object): Result {
  const ours = median(times.map(({ cpuMs }) => cpuMs));
  const wallMs = undisturbed(times.map((time) => time.wallMs));
  return { ...againstBudget(ours, budget, { wallMs, ...extra }), peerName };
}

const benchmark: Benchmark = {
  id: "metrics.producers.1000000",
  unit: "ms",
  goal: { ratio: 1 },
  async run({ effort }) {
    const worker = await startWorkers([
      {
        name: "producers",
        main: "tests/bench/apps/metrics_producers.ts",
        durable_objects: {
          bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }],
        },
        migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
      },
    ]);
    try {
      const fillStart = Date.now();
      await fill(worker);
      const fillMs = Date.now() - fillStart;
      const rounds = async (next: () => Uint8Array, warmUps = 1) => {
        const times: Times[] = [];
        for (let warmUp = 0; warmUp < warmUps; warmUp += 1) await batchOnce(worker, next);
        for (let round = 0; round < Math.min(maxRounds, effort.rounds); round += 1) {
          times.push(await batchOnce(worker, next));
        }
        return times;
      };
      const [first, second] = usualFrames();
      let fresh = producers;
      const newProducer = () => frameOf(first, fresh++);
      let old = 0;
      const archivedProducer = () => frameOf(second, old++);

      await archiveAll(worker);
      const ofNew = await rounds(newProducer);
      const archiving = await archiveAll(worker);
      const ofArchived = await rounds(archivedProducer);
      // From here on there is no room in memory: each producer displaces another one.
      const displacingNew = await rounds(newProducer, 5);
      const displacingArchived = await rounds(archivedProducer);
      // Isolates that record in turn, as in `metrics.ingest.100x50`.
      const isolates = Array.from({ length: frames }, (_, index) => new Producer(index));
      let turn = 0;
      const ofResident = await rounds(() => {
        const producer = isolates[turn++ % frames] as Producer;
        recordAll(producer, labelSets(series), 5);
        return producer.frames(Date.now())[0] as Uint8Array;
      });
      const sizes = (await (await worker.fetch("/")).json()) as object;
      const starts: Times[] = [];
      for (let round = 0; round < effort.rounds; round += 1) {
        await worker.evict("TELEMETRY", "isotel-0");
        const { cpuMs, wallMs } = await post(worker, "/start", new Uint8Array());
        starts.push({ cpuMs, wallMs });
      }
      const extra = { fillMs, archiving, ...sizes };
      return [
        result("budget: resident", ofResident, batchBudgetMs, extra),
        result("budget: new", ofNew, batchBudgetMs, extra),
        result("budget: archived", ofArchived, batchBudgetMs, extra),
        result("budget: new, no room", displacingNew, displacingBudgetMs, extra),
        result("budget: archived, no room", displacingArchived, displacingBudgetMs, extra),
        result("budget: start", starts, startBudgetMs, extra),
      ];
    } finally {
      await worker.close();
    }
  },
};

export const benchmarks: readonly Benchmark[] = [benchmark];
