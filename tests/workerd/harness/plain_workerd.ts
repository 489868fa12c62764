import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { root } from "../../../worker/harness/start.ts";
import { within } from "../../../worker/harness/within.ts";

export interface PlainWorker {
  fetch(path: string): Promise<Response>;
  close(): Promise<void>;
}

/** A Worker for {@link startPlainWorkers}; paths are relative to the repository's root. */
export interface PlainConfig {
  readonly name: string;
  readonly main: string;
  readonly vars?: Readonly<Record<string, string>>;
  /** The Workers that are told of its events. */
  readonly streamingTails?: readonly string[];
}

export interface PlainWorkers {
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

/** Starts several Workers in one workerd, with nothing of wrangler's around them. */
export async function startPlainWorkers(workers: readonly PlainConfig[]): Promise<PlainWorkers> {
  const folder = mkdtempSync(join(tmpdir(), "isotel-workerd-"));
  const modules = await Promise.all(workers.map((worker) => bundle(worker, folder)));
  const definitions = workers.map((worker, index) => definitionOf(worker, modules[index] ?? []));
  writeFileSync(join(folder, "config.capnp"), configOf(workers, definitions));

  const isTailed = workers.some(({ streamingTails }) => streamingTails !== undefined);
  const child = spawn(
    join(root, "node_modules/workerd/bin/workerd"),
    ["serve", "config.capnp", "--control-fd=3", ...(isTailed ? ["--experimental"] : [])],
    { cwd: folder, stdio: ["ignore", "ignore", "inherit", "pipe"] },
  );
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
  return {
    fetchFrom: (worker, path) => fetch(`http://127.0.0.1:${ports.get(worker)}${path}`),
    close,
  };
}

/** Writes a Worker's modules to a folder of its own; their names, its main module's first. */
async function bundle({ name, main }: PlainConfig, folder: string): Promise<string[]> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [main],
    outdir: folder,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    external: ["cloudflare:*", "node:*"],
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

function definitionOf(
  { name, vars = {}, streamingTails = [] }: PlainConfig,
  modules: readonly string[],
): string {
  const moduleLines = modules.map((file) => {
    const kind = file.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = ${text(file)}, ${kind} = embed ${text(`${name}/${file}`)})`;
  });
  const bindings = Object.entries(vars).map(
    ([key, value]) => `(name = ${text(key)}, text = ${text(value)})`,
  );
  return `(
  modules = [${moduleLines.join(", ")}],
  compatibilityDate = "2026-11-17",
  bindings = [${bindings.join(", ")}],
  streamingTails = [${streamingTails.map(text).join(", ")}],
)`;
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
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [
    ${sockets.join("\n    ")}
  ],
);
`;
}
