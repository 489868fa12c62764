import { TelemetryAggregator as Aggregator } from "../../../dist/aggregate/index.js";
import { frameOf } from "../producer_frames.ts";

/** The memories of the modules of this isolate. */
const memories: WebAssembly.Memory[] = [];
const Native = WebAssembly.Instance;
WebAssembly.Instance = class extends Native {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    memories.push(this.exports["memory"] as WebAssembly.Memory);
  }
};

export class TelemetryAggregator extends Aggregator {
  /** A producer is archived after 20 s. */
  static override options = { gaugeExpiryMs: 10_000 };

  /** Applies a frame of each of `count` producers. */
  async fill(frame: Uint8Array, first: number, count: number): Promise<number> {
    const frames = Array.from({ length: count }, (_, index) => frameOf(frame, first + index));
    const results = await this.apply(frames);
    return results.filter((result) => result === 0).length;
  }

  /** Does what `count` alarms do. */
  async alarms(count: number): Promise<void> {
    for (let time = 0; time < count; time += 1) await this.alarm();
  }

  archived(): number {
    const query = "SELECT COUNT(*) AS count FROM isotel_producers";
    return this.ctx.storage.sql.exec<{ count: number }>(query).one().count;
  }

  databaseBytes(): number {
    return this.ctx.storage.sql.databaseSize;
  }
}

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
}

interface Stub {
  apply(frames: readonly Uint8Array[]): Promise<number[]>;
  fill(frame: Uint8Array, first: number, count: number): Promise<number>;
  alarms(count: number): Promise<void>;
  archived(): Promise<number>;
  databaseBytes(): Promise<number>;
}

/** Reads batches: for each the number of frames, and for each frame its length and its bytes. */
function read(buffer: ArrayBuffer): Uint8Array[][] {
  const view = new DataView(buffer);
  let at = 0;
  const word = () => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const frame = () => {
    const length = word();
    at += length;
    // Each message has a separate buffer, because an RPC call copies the whole buffer of a view.
    return new Uint8Array(buffer.slice(at - length, at));
  };
  const batches: Uint8Array[][] = [];
  while (at < buffer.byteLength) batches.push(Array.from({ length: word() }, frame));
  return batches;
}

async function apply(batches: readonly Uint8Array[][], stub: Stub): Promise<Response> {
  const start = Date.now();
  for (const batch of batches) {
    const results = await stub.apply(batch);
    if (results.length !== batch.length || results.some((result) => result !== 0)) {
      return new Response(`Answers: ${results.join()}`, { status: 500 });
    }
  }
  return new Response(String(Date.now() - start));
}

// biome-ignore lint/style/noDefaultExport: the runtime requires it.
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const namespace = env.TELEMETRY as unknown as { getByName(name: string): Stub };
    const stub = namespace.getByName("isotel-0");
    const number = (name: string) => Number(searchParams.get(name));
    switch (pathname) {
      case "/fill": {
        const frame = new Uint8Array(await request.arrayBuffer());
        return new Response(String(await stub.fill(frame, number("first"), number("count"))));
      }
      case "/receive":
        read(await request.arrayBuffer());
        return new Response("0");
      case "/apply":
        return apply(read(await request.arrayBuffer()), stub);
      case "/start":
        // Loads the totals if the object does not run.
        return apply([[]], stub);
      case "/alarms":
        await stub.alarms(number("count"));
        return new Response("0");
      default: {
        const moduleBytes = memories.map((memory) => memory.buffer.byteLength);
        const [databaseBytes, archived] = [await stub.databaseBytes(), await stub.archived()];
        return Response.json({ moduleBytes, databaseBytes, archived });
      }
    }
  },
} satisfies ExportedHandler<Env>;
