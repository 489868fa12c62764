import { TelemetryAggregator } from "isotel/aggregator";

/** Where the next call of an aggregator breaks. */
export type Fault =
  | "before"
  | "transaction"
  | "after_transaction"
  | "set_alarm"
  | "after"
  | "crash"
  | "kv";

/** A write to KV, as it was asked for. */
export interface KvWrite {
  readonly key: string;
  readonly unixMs: number;
  readonly version: number;
}

/** What happened to an object's KV; it outlives the object, not the isolate. */
const writes: KvWrite[] = [];
const faults = new Map<string, Fault[]>();
/** The shards that are in the middle of a call: alarms are none of the faults' business. */
const applying = new Set<string>();

interface Env {
  readonly TELEMETRY_KV: KVNamespace;
  readonly SHORT_KV: KVNamespace;
}

/** An aggregator that breaks where it is told to and notes what it publishes. */
export class FaultyAggregator extends TelemetryAggregator {
  constructor(ctx: DurableObjectState, env: Env) {
    const shard = ctx.id.name ?? "";
    super(breakable(ctx, shard), {
      TELEMETRY_KV: noting(env.TELEMETRY_KV, shard),
      SHORT_KV: env.SHORT_KV,
    });
  }

  break(fault: Fault): void {
    const shard = this.ctx.id.name ?? "";
    faults.set(shard, [...(faults.get(shard) ?? []), fault]);
  }

  writes(): KvWrite[] {
    return writes.filter(({ key }) => key.endsWith(`/${this.ctx.id.name}`));
  }

  exec(query: string): unknown[] {
    return this.ctx.storage.sql.exec(query).toArray();
  }

  alarmUnixMs(): Promise<number | null> {
    return this.ctx.storage.getAlarm();
  }

  /** As if there had never been one: the object starts anew without it. */
  async deleteAlarm(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
  }

  override async apply(frames: Uint8Array[]): Promise<number[]> {
    const shard = this.ctx.id.name ?? "";
    throwIf(shard, "before");
    applying.add(shard);
    const results = await super.apply(frames).finally(() => applying.delete(shard));
    throwIf(shard, "after");
    if (takes(shard, "crash")) this.ctx.abort("crash");
    return results;
  }
}

/** Gauges that are soon over. */
export class ShortGauges extends FaultyAggregator {
  static override options = { kv: "SHORT_KV", gaugeExpiryMs: 4000, producerRetentionMs: 7000 };
}

/** Archives a producer after a second. */
export class Archiving extends FaultyAggregator {
  static override options = { gaugeExpiryMs: 500 };
}

/** Whether a fault is due, which then is over. */
function takes(shard: string, fault: Fault): boolean {
  const [next, ...later] = faults.get(shard) ?? [];
  if (next !== fault) return false;
  faults.set(shard, later);
  return true;
}

function throwIf(shard: string, fault: Fault): void {
  if (takes(shard, fault)) throw new Error(`broken: ${fault}`);
}

function breakable(ctx: DurableObjectState, shard: string): DurableObjectState {
  const { storage } = ctx;
  const transactionSync = storage.transactionSync.bind(storage);
  const setAlarm = storage.setAlarm.bind(storage);
  Object.defineProperties(storage, {
    transactionSync: {
      value: <T>(work: () => T): T => {
        const answer = transactionSync(() => {
          const done = work();
          if (applying.has(shard)) throwIf(shard, "transaction");
          return done;
        });
        if (applying.has(shard)) throwIf(shard, "after_transaction");
        return answer;
      },
    },
    setAlarm: {
      value: async (time: number): Promise<void> => {
        if (applying.has(shard)) throwIf(shard, "set_alarm");
        await setAlarm(time);
      },
    },
  });
  return ctx;
}

function noting(kv: KVNamespace, shard: string): KVNamespace {
  return {
    getWithMetadata: kv.getWithMetadata.bind(kv),
    async put(key: string, value: ArrayBuffer, options: { metadata: { version: number } }) {
      writes.push({ key, unixMs: Date.now(), version: options.metadata.version });
      throwIf(shard, "kv");
      await kv.put(key, value, options);
    },
  } as unknown as KVNamespace;
}
