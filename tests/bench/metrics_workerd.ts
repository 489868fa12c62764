import { type LocalWorker, startWorkers } from "../harness/start.ts";
import { Producer } from "../wasm/support/producer.ts";
import type { Benchmark, Goal } from "./benchmark.ts";
import { childrenCpuMs } from "./children_cpu.ts";
import { median, undisturbed } from "./measure.ts";
import { labelSets } from "./metrics_data.ts";
import { recordAll } from "./metrics_totals.ts";

const frames = 100;
const series = 50;
/** Batches of one request. There are several because both clocks are coarse. */
const batches = 20;
const budgetMs = 10;

/** Isolates that record in turn. One batch has a frame of each. */
class Isolates {
  readonly #producers: readonly Producer[];
  readonly #areDistinct: boolean;

  /** @param areDistinct whether each isolate records different series. */
  constructor(areDistinct: boolean) {
    this.#producers = Array.from({ length: frames }, (_, index) => new Producer(index));
    this.#areDistinct = areDistinct;
  }

  /** A batch in the form that tests/bench/apps/metrics_ingest.ts reads. */
  batch(): Buffer {
    const parts = [word(frames)];
    for (const [index, producer] of this.#producers.entries()) {
      recordAll(producer, labelSets(series, this.#areDistinct ? index * series : 0), 5);
      const [frame, ...more] = producer.frames(Date.now());
      if (frame === undefined || more.length > 0) throw new Error("It is not one frame.");
      parts.push(word(frame.length), Buffer.from(frame));
    }
    return Buffer.concat(parts);
  }
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Milliseconds of one batch. */
interface IngestTimes {
  /** CPU time of all threads of workerd, minus the time of a request that only receives the batches. */
  readonly cpuMs: number;
  /** Wall time by the clock of the Worker, including other work of the machine. */
  readonly wallMs: number;
}

async function ingestOnce(worker: LocalWorker, isolates: Isolates): Promise<IngestTimes> {
  const body = Buffer.concat(Array.from({ length: batches }, () => isolates.batch()));
  const post = async (path: string) => {
    const before = childrenCpuMs();
    const response = await worker.fetch(path, { method: "POST", body: body as never });
    const answer = await response.text();
    if (!response.ok) throw new Error(answer);
    return { cpuMs: childrenCpuMs() - before, wallMs: Number(answer) };
  };
  const idle = await post("/receive");
  const busy = await post("/apply");
  return { cpuMs: (busy.cpuMs - idle.cpuMs) / batches, wallMs: busy.wallMs / batches };
}

/** One batch: the call, the transfer of the frames, the addition, and the storage of the totals. */
function ingest(id: string, areDistinct: boolean, goal?: Goal): Benchmark {
  return {
    id,
    unit: "ms",
    ...(goal && { goal }),
    async run({ effort }) {
      const worker = await startWorkers([
        {
          name: "ingest",
          main: "tests/bench/apps/metrics_ingest.ts",
          durable_objects: {
            bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }],
          },
          migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
        },
      ]);
      try {
        const isolates = new Isolates(areDistinct);
        for (let warmUp = 0; warmUp < 3; warmUp += 1) await ingestOnce(worker, isolates);
        const times: IngestTimes[] = [];
        for (let round = 0; round < effort.rounds; round += 1) {
          times.push(await ingestOnce(worker, isolates));
        }
        const ours = median(times.map(({ cpuMs }) => cpuMs));
        const wallMs = undisturbed(times.map((time) => time.wallMs));
        return [{ peerName: "budget", ours, peer: budgetMs, ratio: ours / budgetMs, wallMs }];
      } finally {
        await worker.close();
      }
    },
  };
}

export const benchmarks: readonly Benchmark[] = [
  ingest("metrics.ingest.100x50", false, { ours: budgetMs }),
  ingest("metrics.ingest.100x50.distinct", true),
];
