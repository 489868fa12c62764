import { TelemetryAggregator } from "../../../dist/aggregate/index.js";

export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
}

interface Stub {
  apply(frames: readonly Uint8Array[]): Promise<number[]>;
}

/** Reads the batches of a request: for each batch the number of frames, and for each frame its length and its bytes. */
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

/** Passes every batch to the aggregator, one after another. Answers with the duration in milliseconds. */
async function apply(batches: readonly Uint8Array[][], env: Env): Promise<Response> {
  const namespace = env.TELEMETRY as unknown as { getByName(name: string): Stub };
  const stub = namespace.getByName("isotel-0");
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
    const batches = read(await request.arrayBuffer());
    // Only receives the batches.
    if (new URL(request.url).pathname === "/receive") return new Response("0");
    return apply(batches, env);
  },
} satisfies ExportedHandler<Env>;
