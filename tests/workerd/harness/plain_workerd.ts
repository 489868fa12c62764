import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

/**
 * Starts tests/workerd/apps/NAME/index.ts with the network of workerd itself. That of `startApp` goes through a proxy,
 * which follows redirects and answers for a broken connection with status 500.
 */
export async function startPlain(
  name: string,
  vars: Readonly<Record<string, string>>,
): Promise<PlainWorker> {
  const folder = mkdtempSync(join(tmpdir(), "isotel-workerd-"));
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`tests/workerd/apps/${name}/index.ts`],
    outdir: folder,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
  });
  // The first module is the Worker.
  const files = [...outputFiles].sort((a, b) => a.path.length - b.path.length);
  files.sort((a, b) => Number(a.path.endsWith(".wasm")) - Number(b.path.endsWith(".wasm")));
  for (const { path, contents } of files) writeFileSync(join(folder, basename(path)), contents);
  const names = files.map(({ path }) => basename(path));
  writeFileSync(join(folder, "config.capnp"), configOf(names, vars));

  const child = spawn(
    join(root, "node_modules/workerd/bin/workerd"),
    ["serve", "config.capnp", "--control-fd=3"],
    { cwd: folder, stdio: ["ignore", "ignore", "inherit", "pipe"] },
  );
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async () => {
    child.kill();
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const port = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdio[3] as NodeJS.ReadableStream }).once("line", (line) =>
      resolve((JSON.parse(line) as { port: number }).port),
    );
    child.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  });
  const url = await within(
    30_000,
    port.then((number) => `http://127.0.0.1:${number}`),
    "workerd to listen",
  ).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { fetch: (path) => fetch(url + path), close };
}

function configOf(modules: readonly string[], vars: Readonly<Record<string, string>>): string {
  const text = (value: string) => JSON.stringify(value);
  const moduleLines = modules.map((file) => {
    const kind = file.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = ${text(file)}, ${kind} = embed ${text(file)})`;
  });
  const bindings = Object.entries(vars).map(
    ([key, value]) => `(name = ${text(key)}, text = ${text(value)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .app),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const app :Workerd.Worker = (
  modules = [${moduleLines.join(", ")}],
  compatibilityDate = "2026-11-17",
  bindings = [${bindings.join(", ")}],
);
`;
}
