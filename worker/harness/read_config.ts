import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, type WorkerConfig } from "./start.ts";

/** Reads a wrangler.jsonc of this repository. Its comments must be on separate lines. */
export function readConfig(path: string): WorkerConfig {
  const text = readFileSync(join(root, path), "utf8");
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, "")) as WorkerConfig;
}
