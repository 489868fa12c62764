import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  readConfig,
  root,
  streamingTailConsumers,
  type WorkerConfig,
} from "../../tests/harness/start.ts";

export interface WasmSize {
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** Returns the size of core.wasm. Throws an Error that names the build command if the package is not built. */
export function wasmSize(): WasmSize {
  try {
    const wasm = readFileSync(join(root, "dist/wasm/core.wasm"));
    return { bytes: wasm.length, gzipBytes: gzipSync(wasm, { level: 9 }).length };
  } catch (cause) {
    throw new Error("The package is not built: run `npm run build` first.", { cause });
  }
}

/** Returns the versions of the runtime and the tools. */
export function runtimeVersions(): Record<string, string> {
  return {
    workerd: installedVersion("workerd"),
    wrangler: installedVersion("wrangler"),
    ai: installedVersion("ai"),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
}

function installedVersion(name: string): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(root, "node_modules", name, "package.json"), "utf8"),
  );
  return manifest.version;
}

/** The token with which the demo and the tests read `/metrics`. */
export const scrapeToken = "demo-token";

/**
 * Returns the reference Worker's configuration with the collector attached and the scripted model selected, even if
 * keys of a provider are set.
 *
 * @param vars additional variables.
 */
export function demoConfig(vars: Readonly<Record<string, string>> = {}): WorkerConfig {
  const config = readConfig("wrangler.jsonc");
  return {
    ...config,
    vars: {
      ...config["vars"],
      MODEL: "scripted",
      SCRAPE_TOKEN: scrapeToken,
      FLUSH_INTERVAL_MS: "1000",
      ...vars,
    },
    streaming_tail_consumers: [...streamingTailConsumers],
  };
}
