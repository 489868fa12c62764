import { DurableObject } from "cloudflare:workers";
import {
  type Bindings,
  PeerMethods,
  runtimeOutcomes,
  storageOutcomes,
} from "../../../unit/support/runtime_operations.ts";
import { Random } from "../../../wasm/support/random.ts";
import { routes } from "../../harness/routes.ts";

interface Env {
  readonly QUEUE: Queue;
  readonly KV: KVNamespace;
  readonly PEER: DurableObjectNamespace<Peer>;
}

const bodies: unknown[] = [];

export class Peer extends DurableObject {
  readonly #methods = new PeerMethods();

  echo(value: unknown): unknown {
    return this.#methods.echo(value);
  }
  change(value: Uint8Array): string {
    return this.#methods.change(value);
  }
  lend(ticks: number): Uint8Array {
    return this.#methods.lend(ticks);
  }
  fail(name: string): never {
    return this.#methods.fail(name);
  }
  calls(): number {
    return this.#methods.calls();
  }
  // The runtime sets no alarm of a class without a handler.
  override alarm(): void {}
  storageOutcomes(seed: number): Promise<string[]> {
    return storageOutcomes(this.ctx.storage, new Random(seed));
  }
}

function bindingsOf(env: Env): Bindings {
  const storage = (seed: number) => {
    const stub = env.PEER.get(env.PEER.idFromName(`storage ${seed}`));
    return (stub as unknown as Peer).storageOutcomes(seed);
  };
  return {
    queue: env.QUEUE,
    kv: env.KV,
    peers: env.PEER as unknown as DurableObjectNamespace,
    storage,
    async received(count) {
      for (let i = 0; bodies.length < count && i < 200; i += 1) await scheduler.wait(50);
      return bodies.splice(0);
    },
  };
}

export default {
  async fetch(request, env, ctx) {
    const { fetch } = routes({
      "/outcomes": (url) => {
        const seed = Number(url.searchParams.get("seed"));
        const part = url.searchParams.get("part") ?? "";
        return runtimeOutcomes(bindingsOf(env), part, new Random(seed));
      },
    });
    return (fetch as (...args: unknown[]) => Promise<Response>)(request, env, ctx);
  },

  queue({ messages }) {
    for (const { body } of messages) bodies.push(body);
  },
} satisfies ExportedHandler<Env>;
