import { WorkerEntrypoint } from "cloudflare:workers";

/** The last bytes that arrived by each way. */
const kept = new Map<string, Uint8Array>();

/** What the other Worker hands bytes to: its queue, KV namespace, cache and service. */
export default class Keeper extends WorkerEntrypoint {
  /** Keeps the body under the first part of the path. */
  override async fetch(request: Request): Promise<Response> {
    const way = new URL(request.url).pathname.slice(1);
    kept.set(way, new Uint8Array(await request.arrayBuffer()));
    return new Response(null, { status: way === "cache" ? 204 : 200 });
  }

  override queue({ messages }: MessageBatch<ArrayBuffer | Uint8Array>): void {
    for (const { body } of messages) {
      kept.set("queue", body instanceof ArrayBuffer ? new Uint8Array(body) : body);
    }
  }

  keep(way: string, bytes: Uint8Array): void {
    kept.set(way, bytes);
  }

  /** What arrived by a way, with all of the buffer it arrived in; undefined while nothing has. */
  take(way: string): Uint8Array | undefined {
    const bytes = kept.get(way);
    kept.delete(way);
    return bytes;
  }
}
