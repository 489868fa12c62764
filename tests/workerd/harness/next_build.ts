import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { copyPackage, rebuiltVersion } from "../../harness/second_copy.ts";
import { root } from "../../harness/start.ts";

export interface NextBuild {
  /** The file of each entry that a test Worker imports. */
  readonly alias: Readonly<Record<string, string>>;
  remove(): void;
}

/** Builds the package as a later version will have it: its modules write the next version of the binary formats. */
export function buildNext(): NextBuild {
  const targets = ["isotel_next_core_wasm", "isotel_next_aggregate_wasm"];
  execFileSync("cmake", ["--build", "--preset", "wasi", "--target", ...targets], { cwd: root });
  const next = copyPackage(rebuiltVersion);
  for (const name of ["core", "aggregate"]) {
    const built = join(root, `build/wasi/next_${name}.wasm`);
    cpSync(built, join(next.folder, `dist/wasm/${name}.wasm`));
  }
  return {
    alias: {
      "isotel-next": next.entry(""),
      "isotel-next/aggregator": next.entry("aggregate"),
      "isotel-next/metrics": next.entry("metrics"),
    },
    remove: next.remove,
  };
}
