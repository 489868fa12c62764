import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, type WorkerConfig } from "./start.ts";

/** A wrangler.jsonc of this repository whose comments stand on lines of their own. */
export function readConfig(path: string): WorkerConfig {
  const text = readFileSync(join(root, path), "utf8");
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, "")) as WorkerConfig;
}
