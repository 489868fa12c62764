import { consumeTelemetry, metricsResponse, TelemetryAggregator } from "isotel/aggregator";
import { aggregatorTransport } from "../../bindings/metrics/transport.ts";
import type { Counts, Step } from "./counts.ts";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
  readonly TELEMETRY_KV: KVNamespace;
}

// What outlives an object that is taken out of memory.
let nowMs = 0;
let alarmMs: number | undefined;
const counts: Counts = {
  consumerInvocations: 0,
  aggregatorCalls: 0,
  alarmRuns: 0,
  rowsRead: 0,
  rowsWritten: 0,
  kvReads: 0,
  kvWrites: 0,
  scrapes: 0,
};

// Time is moved by hand.
Date.now = () => nowMs;

/** The real aggregator, with everything counted that is paid for. */
export class CountedAggregator extends TelemetryAggregator {
  constructor(ctx: DurableObjectState, env: Env) {
    super(counted(ctx), { TELEMETRY_KV: countedKv(env.TELEMETRY_KV) });
  }

  override apply(frames: Uint8Array[], shards?: number): Promise<number[]> {
    counts.aggregatorCalls += 1;
    return super.apply(frames, shards);
  }

  async ring(): Promise<void> {
    counts.alarmRuns += 1;
    alarmMs = undefined;
    await this.alarm();
  }
}

function counted(ctx: DurableObjectState): DurableObjectState {
  const { storage } = ctx;
  const { sql } = storage;
  const add = ({ rowsRead, rowsWritten }: SqlStorageCursor<never>) => {
    counts.rowsRead += rowsRead;
    counts.rowsWritten += rowsWritten;
  };
  function* countedRows(cursor: SqlStorageCursor<never>) {
    yield* cursor;
    add(cursor);
  }
  const exec = (query: string, ...values: unknown[]) => {
    const cursor = sql.exec(query, ...values) as SqlStorageCursor<never>;
    if (query.startsWith("SELECT")) return countedRows(cursor);
    add(cursor);
    return cursor;
  };
  const setAlarm = async (unixMs: number) => {
    // Setting an alarm is paid for as a row.
    counts.rowsWritten += 1;
    alarmMs = unixMs;
  };
  Object.defineProperties(storage, {
    sql: { value: { exec } },
    getAlarm: { value: async () => alarmMs ?? null },
    setAlarm: { value: setAlarm },
  });
  return ctx;
}

function countedKv(kv: KVNamespace): KVNamespace {
  const counting = {
    getWithMetadata(...args: Parameters<KVNamespace["getWithMetadata"]>) {
      counts.kvReads += 1;
      return kv.getWithMetadata(...args);
    },
    put(...args: Parameters<KVNamespace["put"]>) {
      counts.kvWrites += 1;
      return kv.put(...args);
    },
  };
  return counting as unknown as KVNamespace;
}

/** Calls the consumer as the runtime does. */
async function consume(frames: readonly Uint8Array[], env: Env): Promise<void> {
  counts.consumerInvocations += 1;
  let acknowledged = 0;
  const messages = frames.map((body, index) => ({
    id: String(index),
    timestamp: new Date(nowMs),
    body,
    attempts: 1,
    ack() {
      acknowledged += 1;
    },
    retry() {},
  }));
  const batch = { queue: "telemetry", messages } as unknown as MessageBatch;
  await consumeTelemetry(batch, { aggregator: env.TELEMETRY });
  if (acknowledged !== frames.length) throw new Error(`${acknowledged} were acknowledged.`);
}

async function send(frames: readonly Uint8Array<ArrayBuffer>[], env: Env): Promise<void> {
  await aggregatorTransport(env.TELEMETRY, 1).send(frames, () => {});
}

async function scrape(env: Env): Promise<void> {
  counts.scrapes += 1;
  const kv = countedKv(env.TELEMETRY_KV);
  const request = new Request("https://shop.example/metrics");
  const response = await metricsResponse(request, { kv, public: true });
  const text = await response.text();
  if (response.status !== 200) throw new Error(text);
}

async function take(step: Step, env: Env): Promise<void> {
  nowMs = step.nowMs;
  const frames = (step.frames ?? []).map((frame) => Uint8Array.from(Buffer.from(frame, "base64")));
  switch (step.what) {
    case "consume":
      return consume(frames, env);
    case "send":
      return send(frames, env);
    case "scrape":
      return scrape(env);
    case "alarm":
      return (env.TELEMETRY as unknown as Rings).getByName("isotel-0").ring();
    default:
      return undefined;
  }
}

interface Rings {
  getByName(name: string): { ring(): Promise<void> };
}

// biome-ignore lint/style/noDefaultExport: the runtime looks for it.
export default {
  async fetch(request, env) {
    try {
      await take(await request.json<Step>(), env);
      return Response.json({ counts, alarmMs });
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
