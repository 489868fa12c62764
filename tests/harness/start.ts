import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import type { createTestHarness as CreateTestHarness } from "wrangler";
import { keepSpans } from "./keep_spans.ts";
import type { Span } from "./spans.ts";
import { type TakeOptions, takeSpans } from "./take_spans.ts";

/** Rejects when `promise` takes longer than `ms`. */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${ms} ms for ${what}.`)), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export const root: string = join(import.meta.dirname, "../..");

type WorkerInput = Parameters<typeof CreateTestHarness>[0] extends infer Options | undefined
  ? Options extends { workers: (infer Input)[] }
    ? Input
    : never
  : never;

/** A wrangler configuration with paths relative to the root of the repository. */
export type WorkerConfig = Extract<WorkerInput, { config: unknown }>["config"];

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface LocalWorker {
  readonly url: URL;
  fetch(path: string, options?: RequestOptions): Promise<Response>;
  /** Sends a request to another Worker than the first one. */
  fetchFrom(worker: string, path: string, options?: RequestOptions): Promise<Response>;
  /** Waits until every invocation since the last call has ended, and returns their spans. */
  takeSpans(options?: TakeOptions): Promise<Span[]>;
  /** Evicts an object of the first Worker from memory. Its storage stays. */
  evict(binding: string, object: string): Promise<void>;
  /** Stops the runtime. May be called more than once. */
  close(): Promise<void>;
}

const compatibility = {
  compatibility_date: "2026-11-17",
  compatibility_flags: ["nodejs_compat"],
} satisfies WorkerConfig;

const collector: WorkerConfig = {
  ...compatibility,
  name: "collector",
  main: "tests/harness/collector.ts",
};

/** The configuration entry that sends a Worker's spans to `takeSpans()`. */
export const streamingTailConsumers = [{ service: "collector" }] as const;

/**
 * Bundles the Workers and starts them in one workerd on a free loopback port. Resolves when they listen. The first
 * Worker receives the requests. Throws the error of the bundler or the runtime if they cannot start.
 */
export async function startWorkers(configs: readonly WorkerConfig[]): Promise<LocalWorker> {
  env["WRANGLER_SEND_METRICS"] = "false";
  env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  // Suppresses a log line for each batch of a queue.
  env["WRANGLER_LOG"] ??= "warn";
  const workers = [...configs, collector].map((config) => ({
    config: { ...compatibility, ...config },
  }));
  // Loading wrangler takes half a second, so only callers of this function load it.
  const { createTestHarness } = await import("wrangler");
  const harness = createTestHarness({ root, workers });
  const startMs = 30_000;
  const { url } = await within(startMs, harness.listen(), "the Workers to start").catch(
    async (error: unknown) => {
      await harness.close().catch(() => {});
      throw error;
    },
  );

  const send = async (
    worker: string | undefined,
    path: string,
    options: RequestOptions = {},
  ): Promise<Response> => {
    const target = worker === undefined ? harness : harness.getWorker(worker);
    const response = await target.fetch(path, {
      signal: AbortSignal.timeout(60_000),
      ...options,
      // A compressed stream would arrive only at its end, and the Worker would not see a disconnect.
      headers: { "accept-encoding": "identity", ...options.headers },
    });
    return response as unknown as Response;
  };
  const names = configs.map(({ name }) => name ?? "");
  const askCollector = async (path: string) => (await send("collector", path)).json();

  let closing: Promise<void> | undefined;
  return {
    url,
    fetch: (path, options) => send(undefined, path, options),
    fetchFrom: send,
    takeSpans: async (options) => keepSpans(names, await takeSpans(askCollector, options)),
    evict: async (binding, object) => {
      const evicted = harness.getWorker().evictDurableObject(binding, { name: object });
      await evicted.catch((error: Error) => {
        // On a busy machine the runtime may have evicted the object already.
        if (!error.message.includes("not currently running")) throw error;
      });
    },
    close: () => {
      closing ??= within(10_000, harness.close(), "the runtime to stop");
      return closing;
    },
  };
}

/** A wrangler.jsonc of this repository whose comments stand on lines of their own. */
export function readConfig(path: string): WorkerConfig {
  const text = readFileSync(join(root, path), "utf8");
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, "")) as WorkerConfig;
}
