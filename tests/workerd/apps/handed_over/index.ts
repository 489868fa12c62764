import { DurableObject } from "cloudflare:workers";
import { isDetached } from "../../../unit/support/runtime_operations.ts";
import { routes } from "../../harness/routes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Keeper {
  fetch(url: string, init: RequestInit): Promise<Response>;
  keep(way: string, bytes: Bytes): Promise<void>;
  take(way: string): Promise<Bytes | undefined>;
}

interface Env {
  readonly QUEUE: Queue;
  readonly KV: KVNamespace;
  readonly KEEPER: Fetcher;
  readonly STORE: DurableObjectNamespace<Store>;
}

/** Hands bytes over, and gives what has arrived on the other side. The call itself is made before the first await. */
type Way = (bytes: Bytes) => Promise<Bytes | undefined>;
type Ways = Readonly<Record<string, Way>>;

const viewBytes = 16;
const before = 1;
const after = 2;

/** Becomes of bytes that were handed over: whether they are detached, when they are read, how much of their buffer is. */
async function becomes(way: Way, buffer: ArrayBuffer, change: () => void): Promise<string> {
  new Uint8Array(buffer).fill(before);
  const arrived = way(new Uint8Array(buffer, viewBytes, viewBytes)).catch((cause) => String(cause));
  const isTaken = isDetached(buffer);
  if (!isTaken) change();
  const bytes = await arrived;
  if (!(bytes instanceof Uint8Array)) return `failed: ${bytes}`;
  const reading =
    bytes.length === 0 ? "reads nothing" : bytes[0] === before ? "copies" : "reads later";
  const extent = bytes.buffer.byteLength > viewBytes ? "all of the buffer" : "the view";
  return `${isTaken ? "detaches" : "keeps"}, ${reading}, ${extent}`;
}

async function outcomes(ways: Ways): Promise<Record<string, { script: string; wasm: string }>> {
  const results: Record<string, { script: string; wasm: string }> = {};
  for (const [name, way] of Object.entries(ways)) {
    const buffer = new ArrayBuffer(4 * viewBytes);
    const script = await becomes(way, buffer, () => new Uint8Array(buffer).fill(after));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const wasm = await becomes(way, memory.buffer as ArrayBuffer, () => {
      memory.grow(1);
      new Uint8Array(memory.buffer).fill(after);
    });
    results[name] = { script, wasm };
  }
  return results;
}

async function bytesOf(body: { arrayBuffer(): Promise<ArrayBuffer> }): Promise<Bytes> {
  return new Uint8Array(await body.arrayBuffer());
}

/** Writes to a stream and reads what comes out of it, later. */
async function through(
  { writable, readable }: ReadableWritablePair,
  bytes: Bytes,
  read: (readable: ReadableStream) => ReadableStream = (same) => same,
): Promise<Bytes> {
  const writer = writable.getWriter();
  void writer.write(bytes);
  void writer.close();
  await scheduler.wait(1);
  return bytesOf(new Response(read(readable)));
}

async function enqueued(type: "bytes" | undefined, bytes: Bytes): Promise<Bytes> {
  const source = {
    start(controller: { enqueue(chunk: Bytes): void; close(): void }) {
      controller.enqueue(bytes);
      controller.close();
    },
  };
  const stream =
    type === undefined ? new ReadableStream(source) : new ReadableStream({ ...source, type });
  await scheduler.wait(1);
  return bytesOf(new Response(stream));
}

export class Store extends DurableObject {
  #kept: Bytes | undefined;

  keep(bytes: Bytes): void {
    this.#kept = bytes;
  }

  take(): Bytes | undefined {
    return this.#kept;
  }

  /** Answers a view, and changes its bytes in the next microtask. */
  lend(): Bytes {
    const whole = new Uint8Array(4 * viewBytes).fill(before);
    void Promise.resolve().then(() => whole.fill(after));
    return whole.subarray(viewBytes, 2 * viewBytes);
  }

  stored(): Promise<Record<string, { script: string; wasm: string }>> {
    const { storage } = this.ctx;
    const { sql } = storage;
    sql.exec("CREATE TABLE blobs (bytes BLOB)");
    return outcomes({
      "storage.put": async (bytes) => {
        await storage.put("key", bytes);
        return storage.get("key");
      },
      "storage.kv.put": async (bytes) => {
        storage.kv.put("key", bytes);
        await scheduler.wait(1);
        return storage.kv.get("key");
      },
      "sql.exec": async (bytes) => {
        sql.exec("DELETE FROM blobs");
        sql.exec("INSERT INTO blobs VALUES (?)", bytes);
        await scheduler.wait(1);
        return new Uint8Array(
          sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM blobs").one().bytes,
        );
      },
    });
  }
}

async function waysOf(env: Env): Promise<Ways> {
  const { QUEUE: queue, KV: kv } = env;
  const keeper = env.KEEPER as unknown as Keeper;
  const store = env.STORE.get(env.STORE.idFromName("store")) as unknown as Store;
  const cache = await caches.open("handed over");
  const taken = async (way: string): Promise<Bytes | undefined> => {
    for (let i = 0; i < 200; i += 1) {
      const bytes = await keeper.take(way);
      if (bytes !== undefined) return bytes;
      await scheduler.wait(10);
    }
    return undefined;
  };
  return {
    "queue.send as bytes": async (bytes) => {
      await queue.send(bytes, { contentType: "bytes" });
      return taken("queue");
    },
    "queue.send as v8": async (bytes) => {
      await queue.send(bytes, { contentType: "v8" });
      return taken("queue");
    },
    "queue.sendBatch as bytes": async (bytes) => {
      await queue.sendBatch([{ body: bytes, contentType: "bytes" }]);
      return taken("queue");
    },
    "queue.sendBatch as v8": async (bytes) => {
      await queue.sendBatch([{ body: bytes, contentType: "v8" }]);
      return taken("queue");
    },
    "argument of a service": async (bytes) => {
      await keeper.keep("rpc", bytes);
      return taken("rpc");
    },
    "argument of a Durable Object": async (bytes) => {
      await store.keep(bytes);
      return store.take();
    },
    "KV.put": async (bytes) => {
      await kv.put("kv", bytes);
      return taken("kv");
    },
    "cache.put": async (bytes) => {
      const headers = { "cache-control": "max-age=60" };
      await cache.put("https://isotel.example/cache", new Response(bytes, { headers }));
      // A whole HTTP response is kept.
      return (await taken("cache"))?.slice(-viewBytes);
    },
    fetch: async (bytes) => {
      await keeper.fetch("https://isotel.example/body", { method: "POST", body: bytes });
      return taken("body");
    },
    "new Request": async (bytes) => {
      const init = { method: "POST", body: bytes };
      const request = new Request("https://isotel.example/", init);
      await scheduler.wait(1);
      return bytesOf(request);
    },
    "new Response": async (bytes) => {
      const response = new Response(bytes);
      await scheduler.wait(1);
      return bytesOf(response);
    },
    "new Blob": async (bytes) => {
      const blob = new Blob([bytes]);
      await scheduler.wait(1);
      return bytesOf(blob);
    },
    "byte stream": (bytes) => enqueued("bytes", bytes),
    ReadableStream: (bytes) => enqueued(undefined, bytes),
    TransformStream: (bytes) => through(new TransformStream(), bytes),
    IdentityTransformStream: (bytes) => through(new IdentityTransformStream(), bytes),
    CompressionStream: (bytes) =>
      through(new CompressionStream("gzip"), bytes, (zipped) =>
        zipped.pipeThrough(new DecompressionStream("gzip")),
      ),
    structuredClone: async (bytes) => structuredClone(bytes),
    "WebSocket.send": async (bytes) => {
      const [near, far] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
      const arrived = new Promise<Bytes>((resolve) => {
        far.addEventListener("message", ({ data }) => {
          resolve(data instanceof Blob ? bytesOf(data) : new Uint8Array(data as ArrayBuffer));
        });
      });
      far.accept();
      near.accept();
      near.send(bytes);
      return arrived;
    },
  };
}

export default {
  async fetch(request, env, ctx) {
    const store = env.STORE.get(env.STORE.idFromName("store")) as unknown as Store;
    const { fetch } = routes({
      "/": async () => ({ ...(await outcomes(await waysOf(env))), ...(await store.stored()) }),
      "/answer": async () => {
        const bytes = await store.lend();
        return { isChanged: bytes[0] === after, bufferBytes: bytes.buffer.byteLength };
      },
    });
    return (fetch as (...args: unknown[]) => Promise<Response>)(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
