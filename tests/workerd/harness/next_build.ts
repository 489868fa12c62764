import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../harness/start.ts";

/**
 * Builds the package as a later release will have it: its modules write the next version of the binary formats.
 *
 * @returns an alias for each of its entries that a test Worker imports.
 */
export function buildNext(): Readonly<Record<string, string>> {
  const targets = ["isotel_next_core_wasm", "isotel_next_aggregate_wasm"];
  execFileSync("cmake", ["--build", "--preset", "wasi", "--target", ...targets], { cwd: root });
  const folder = join(root, "build/next");
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  for (const name of ["core", "aggregate"]) {
    const built = join(root, `build/wasi/next_${name}.wasm`);
    cpSync(built, join(folder, `dist/wasm/${name}.wasm`));
  }
  return {
    "isotel-next": join(folder, "dist/index.js"),
    "isotel-next/aggregator": join(folder, "dist/aggregate/index.js"),
    "isotel-next/metrics": join(folder, "dist/metrics/index.js"),
  };
}
