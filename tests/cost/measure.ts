import { type LocalWorker, startWorkers } from "../harness/start.ts";
import { base64 } from "../workerd/harness/metrics_app.ts";
import type { Counts, Step, StepAnswer } from "./counts.ts";
import { type Send, sendsOf } from "./isolates.ts";

export interface Scenario {
  readonly transport: "queue" | "aggregator";
  readonly isolates: number;
  /** Requests a second of each isolate. */
  readonly rate: number;
  /** Series that change all the time, beside some thirty of requests, flags and isotel itself; none unless given. */
  readonly series?: number;
  /** The time that counts; before that everything is new to the aggregator for a minute. */
  readonly seconds: number;
}

/** What a scenario came to in the time that counts. */
export interface Measured extends Counts {
  readonly requests: number;
  readonly messages: number;
  /** Of 64 KB or a part of them: what a queue operation is paid by. */
  readonly messageUnits: number;
}

const startMs = 1_800_000_000_000;
const warmUpMs = 60_000;
const scrapeIntervalMs = 15_000;
const messageUnitBytes = 64_000;
// As in wrangler.jsonc of the reference Worker.
const maxBatchSize = 100;
const maxBatchTimeoutMs = 1000;

/** Messages as a queue hands them to its consumer: some time after the first one, or when there are enough. */
function batchesOf(sends: readonly Send[]): Send[] {
  const batches: Send[] = [];
  let waiting: Send["frames"][number][] = [];
  let dueMs = Number.POSITIVE_INFINITY;
  const deliver = (atMs: number) => {
    batches.push({ atMs, frames: waiting });
    waiting = [];
    dueMs = Number.POSITIVE_INFINITY;
  };
  for (const { atMs, frames } of sends) {
    if (dueMs <= atMs) deliver(dueMs);
    for (const frame of frames) {
      if (waiting.length === 0) dueMs = atMs + maxBatchTimeoutMs;
      waiting.push(frame);
      if (waiting.length === maxBatchSize) deliver(atMs);
    }
  }
  if (waiting.length > 0) deliver(dueMs);
  return batches;
}

function stepsOf(sends: readonly Send[], { transport }: Scenario, endMs: number): Step[] {
  const isQueue = transport === "queue";
  const what = isQueue ? "consume" : "send";
  const steps: Step[] = (isQueue ? batchesOf(sends) : sends).map(({ atMs, frames }) => ({
    what,
    nowMs: atMs,
    frames: frames.map(base64),
  }));
  for (let at = scrapeIntervalMs / 2; startMs + at < endMs; at += scrapeIntervalMs) {
    steps.push({ what: "scrape", nowMs: startMs + at });
  }
  steps.push({ what: "nothing", nowMs: startMs + warmUpMs }, { what: "nothing", nowMs: endMs });
  return steps.sort((a, b) => a.nowMs - b.nowMs).filter(({ nowMs }) => nowMs <= endMs);
}

/** The aggregator of app.ts: takes steps, and its alarms in between. */
class Aggregation {
  readonly #worker: LocalWorker;
  #alarmMs: number | undefined;

  constructor(worker: LocalWorker) {
    this.#worker = worker;
  }

  async take(step: Step): Promise<Counts> {
    while (this.#alarmMs !== undefined && this.#alarmMs <= step.nowMs) {
      await this.#ask({ what: "alarm", nowMs: this.#alarmMs });
    }
    return this.#ask(step);
  }

  async #ask(step: Step): Promise<Counts> {
    const body = JSON.stringify(step);
    const response = await this.#worker.fetch("/", { method: "POST", body });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    const { counts, alarmMs } = JSON.parse(text) as StepAnswer;
    this.#alarmMs = alarmMs;
    return counts;
  }
}

/** Runs a scenario: isolates in Node with time moved by hand, their frames into the aggregator in workerd. */
export async function measure(scenario: Scenario): Promise<Measured> {
  const { isolates, rate, series = 0, transport, seconds } = scenario;
  const endMs = startMs + warmUpMs + 1000 * seconds;
  const sends = await sendsOf({ isolates, rate, series, startMs, endMs }, transport);
  const worker = await startWorkers([
    {
      name: "cost",
      main: "tests/cost/app.ts",
      durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "CountedAggregator" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["CountedAggregator"] }],
      kv_namespaces: [{ binding: "TELEMETRY_KV", id: "telemetry" }],
    },
  ]);
  try {
    const aggregation = new Aggregation(worker);
    let before: Counts | undefined;
    let after: Counts | undefined;
    for (const step of stepsOf(sends, scenario, endMs)) {
      after = await aggregation.take(step);
      if (step.what === "nothing") before ??= after;
    }
    if (before === undefined || after === undefined) throw new Error("Nothing was measured.");
    const messages =
      transport === "queue"
        ? sends.filter(({ atMs }) => atMs > startMs + warmUpMs).flatMap(({ frames }) => frames)
        : [];
    return {
      ...difference(after, before),
      requests: isolates * rate * seconds,
      messages: messages.length,
      messageUnits: messages.reduce(
        (sum, { length }) => sum + Math.ceil(length / messageUnitBytes),
        0,
      ),
    };
  } finally {
    await worker.close();
  }
}

function difference(after: Counts, before: Counts): Counts {
  const keys = Object.keys(after) as (keyof Counts)[];
  return Object.fromEntries(
    keys.map((key) => [key, after[key] - before[key]]),
  ) as unknown as Counts;
}
