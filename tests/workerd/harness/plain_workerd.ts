import { spawn } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { root, within } from "../../harness/start.ts";

export interface PlainWorker {
  fetch(path: string): Promise<Response>;
  close(): Promise<void>;
}

/** Another Worker by its name, or a queue or KV namespace of the runtime's own Queues and KV Workers. */
export type Target = string | { readonly queue: string } | { readonly kv: string };

/** How a queue delivers. The names and defaults are those of the runtime's Queues Worker. */
export interface ConsumerSettings {
  readonly maxBatchSize?: number;
  readonly maxBatchTimeout?: number;
  readonly maxRetries?: number;
  readonly maxConcurrency?: number;
}

/** A Worker for {@link startPlainWorkers}; paths are relative to the repository's root. */
export interface PlainConfig {
  readonly name: string;
  readonly main: string;
  /** A folder with the finished modules, of which `main` is one. Default: `main` is bundled by esbuild. */
  readonly built?: string;
  /** Export conditions of the bundler. Default: `workerd`. */
  readonly conditions?: readonly string[];
  readonly vars?: Readonly<Record<string, string>>;
  /** Bindings by name. A Worker bound as a queue, KV namespace or cache receives the HTTP requests of that binding. */
  readonly services?: Readonly<Record<string, Target>>;
  readonly queues?: Readonly<Record<string, Target>>;
  readonly kvNamespaces?: Readonly<Record<string, Target>>;
  /** Bindings to classes of this Worker with SQLite storage. */
  readonly durableObjects?: Readonly<Record<string, string>>;
  /** The queues this Worker consumes. */
  readonly consumes?: Readonly<Record<string, ConsumerSettings>>;
  /** The Worker behind `caches`. */
  readonly cache?: string;
  /** The Workers that are told of its events. */
  readonly streamingTails?: readonly string[];
  /** Default: that of the other tests, with `nodejs_compat`. */
  readonly compatibility?: { readonly date: string; readonly flags: readonly string[] };
}

/** What workerd has printed so far. */
export interface Printed {
  stdout: string;
  stderr: string;
}

export interface PlainWorkers {
  /** Returns the address of a Worker. */
  urlOf(worker: string): string;
  fetchFrom(worker: string, path: string): Promise<Response>;
  close(): Promise<void>;
}

/**
 * Starts tests/workerd/apps/NAME/index.ts with the network of workerd itself. That of `startApp` goes through a proxy,
 * which follows redirects and answers for a broken connection with status 500.
 */
export async function startPlain(
  name: string,
  vars: Readonly<Record<string, string>>,
): Promise<PlainWorker> {
  const main = `tests/workerd/apps/${name}/index.ts`;
  const { fetchFrom, close } = await startPlainWorkers([{ name, main, vars }]);
  return { fetch: (path) => fetchFrom(name, path), close };
}

/**
 * Starts several Workers in one workerd, with nothing of wrangler's around them.
 *
 * @param printed Takes what workerd prints. Default: errors are shown.
 */
export async function startPlainWorkers(
  workers: readonly PlainConfig[],
  printed?: Printed,
): Promise<PlainWorkers> {
  const folder = mkdtempSync(join(tmpdir(), "isotel-workerd-"));
  const modules = await Promise.all(workers.map((worker) => bundle(worker, folder)));
  const definitions = workers.map((worker, index) => definitionOf(worker, modules[index] ?? []));
  writeFileSync(join(folder, "config.capnp"), configOf(workers, definitions));

  mkdirSync(join(folder, "disk"));
  const isTailed = workers.some(({ streamingTails }) => streamingTails !== undefined);
  const isExperimental = isTailed || hasStorage(workers);
  const child = spawn(
    join(root, "node_modules/workerd/bin/workerd"),
    ["serve", "config.capnp", "--control-fd=3", ...(isExperimental ? ["--experimental"] : [])],
    {
      cwd: folder,
      stdio: printed ? ["ignore", "pipe", "pipe", "pipe"] : ["ignore", "ignore", "inherit", "pipe"],
    },
  );
  if (printed !== undefined) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      printed.stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      printed.stderr += text;
    });
  }
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async () => {
    child.kill();
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const ports = new Map<string, number>();
  const listening = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdio[3] as NodeJS.ReadableStream }).on("line", (line) => {
      const { socket, port } = JSON.parse(line) as { socket: string; port: number };
      ports.set(socket, port);
      if (ports.size === workers.length) resolve();
    });
    child.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  });
  await within(30_000, listening, "workerd to listen").catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const urlOf = (worker: string) => `http://127.0.0.1:${ports.get(worker)}`;
  return {
    urlOf,
    fetchFrom: (worker, path) => fetch(`${urlOf(worker)}${path}`),
    close,
  };
}

/** Copies finished modules to a Worker's folder; their names, its main module's first. */
function copyModules({ name, main }: PlainConfig, built: string, folder: string): string[] {
  cpSync(built, join(folder, name), { recursive: true });
  const files = globSync("**/*.{js,wasm}", { cwd: built });
  return [main, ...files.filter((file) => file !== main)];
}

/** Writes a Worker's modules to a folder of its own; their names, its main module's first. */
async function bundle(config: PlainConfig, folder: string): Promise<string[]> {
  const { name, main, built, conditions = ["workerd"] } = config;
  if (built !== undefined) return copyModules(config, built, folder);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [main],
    outdir: folder,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: [...conditions],
    external: ["cloudflare:*", "node:*", ...builtinModules],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "error",
  });
  const files = [...outputFiles].sort((a, b) => a.path.length - b.path.length);
  files.sort((a, b) => Number(a.path.endsWith(".wasm")) - Number(b.path.endsWith(".wasm")));
  mkdirSync(join(folder, name));
  for (const { path, contents } of files) {
    writeFileSync(join(folder, name, basename(path)), contents);
  }
  return files.map(({ path }) => basename(path));
}

const text = (value: string) => JSON.stringify(value);

/** A service designator. */
function designator(target: Target): string {
  if (typeof target === "string") return text(target);
  const [service, props] =
    "queue" in target ? ["queues", { queue: target.queue }] : ["kv", { namespace: target.kv }];
  return `(name = ${text(service)}, props = (json = ${text(JSON.stringify(props))}))`;
}

function bindingsOf(kind: string, values: Readonly<Record<string, Target>> = {}): string[] {
  return Object.entries(values).map(
    ([name, target]) => `(name = ${text(name)}, ${kind} = ${designator(target)})`,
  );
}

/** Classes with SQLite storage, which needs a disk. */
function storageOf(worker: string, classes: readonly string[]): string {
  const namespaces = classes.map(
    (name) =>
      `(className = ${text(name)}, uniqueKey = ${text(`${worker}-${name}`)}, enableSql = true)`,
  );
  return classes.length === 0
    ? ""
    : `durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),`;
}

function definitionOf(config: PlainConfig, modules: readonly string[]): string {
  const { name, vars, durableObjects = {}, cache, streamingTails = [] } = config;
  const { date = "2026-11-17", flags = ["nodejs_compat"] } = config.compatibility ?? {};
  const moduleLines = modules.map((file) => {
    const kind = file.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = ${text(file)}, ${kind} = embed ${text(`${name}/${file}`)})`;
  });
  const bindings = [
    ...bindingsOf("text", vars),
    ...bindingsOf("service", config.services),
    ...bindingsOf("queue", config.queues),
    ...bindingsOf("kvNamespace", config.kvNamespaces),
    ...bindingsOf("durableObjectNamespace", durableObjects),
  ];
  return `(
  modules = [${moduleLines.join(", ")}],
  compatibilityDate = ${text(date)},
  compatibilityFlags = [${flags.map(text).join(", ")}],
  bindings = [${bindings.join(", ")}],
  ${storageOf(name, Object.values(durableObjects))}
  ${cache === undefined ? "" : `cacheApiOutbound = ${text(cache)},`}
  streamingTails = [${streamingTails.map(text).join(", ")}],
)`;
}

function hasStorage(workers: readonly PlainConfig[]): boolean {
  return workers.some(
    ({ services, queues, kvNamespaces, durableObjects, consumes }) =>
      [services, queues, kvNamespaces].some((bindings) =>
        Object.values(bindings ?? {}).some((target) => typeof target !== "string"),
      ) ||
      durableObjects !== undefined ||
      consumes !== undefined,
  );
}

/** The Queues and KV Workers that workerd brings along, and the disk for what they and Durable Objects store. */
function storageServices(workers: readonly PlainConfig[]): string {
  if (!hasStorage(workers)) return "";
  const consumers = workers.flatMap(({ name, consumes = {} }) =>
    Object.entries(consumes).map(([queue, settings]) => ({ queue, worker: name, settings })),
  );
  const consumersJson = JSON.stringify(
    Object.fromEntries(
      consumers.map(({ queue, worker, settings }) => [queue, { consumer: worker, ...settings }]),
    ),
  );
  const bundled = (name: string, className: string, bindings: readonly string[]) => `(
      name = ${text(name)},
      worker = (
        modules = [(name = "index.js", bundled = ${text(`/workerd/${name}.js`)})],
        compatibilityDate = "2026-11-17",
        compatibilityFlags = ["service_binding_extra_handlers"],
        bindings = [(name = "SHARD", durableObjectNamespace = ${text(className)}), ${bindings.join(", ")}],
        ${storageOf(name, [className])}
      ),
    ),`;
  const queues = bundled("queues", "QueueShard", [
    `(name = "CONSUMERS", json = ${text(consumersJson)})`,
    ...[...new Set(consumers.map(({ worker }) => worker))].map(
      (worker) => `(name = ${text(worker)}, service = ${text(worker)})`,
    ),
  ]);
  const kv = bundled("kv", "KVNamespace", [`(name = "BLOBS", service = "disk")`]);
  return `${queues}
    ${kv}
    (name = "disk", disk = (path = "disk", writable = true)),`;
}

function configOf(workers: readonly PlainConfig[], definitions: readonly string[]): string {
  const services = workers.map(
    ({ name }, index) => `(name = ${text(name)}, worker = ${definitions[index]}),`,
  );
  const sockets = workers.map(
    ({ name }) =>
      `(name = ${text(name)}, address = "127.0.0.1:0", http = (), service = ${text(name)}),`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join("\n    ")}
    ${storageServices(workers)}
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [
    ${sockets.join("\n    ")}
  ],
);
`;
}
