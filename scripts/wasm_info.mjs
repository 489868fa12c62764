// Prints hash, raw and gzip bytes, imports and exports of WebAssembly modules as JSON. Usage: wasm_info.mjs [FILE...].
// Default: the modules of dist/, compared with the hashes in the package.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "./process.mjs";

function describe(file, recorded) {
  const bytes = readFileSync(file);
  const module = new WebAssembly.Module(bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (recorded !== undefined && recorded !== sha256) {
    console.error(`${file} is not the module that the package was built with (${recorded}).`);
    process.exitCode = 1;
  }
  return {
    file,
    sha256,
    bytes: bytes.length,
    gzipBytes: gzipSync(bytes, { level: 9 }).length,
    imports: WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`),
    exports: WebAssembly.Module.exports(module).map(({ name }) => name),
  };
}

function shippedModules() {
  const lines = readFileSync(join(root, "dist/SHA256SUMS"), "utf8").trim().split("\n");
  return lines.map((line) => line.split("  ")).map(([hash, name]) => [join("dist", name), hash]);
}

const files = process.argv.slice(2);
const modules = files.length > 0 ? files.map((file) => [file]) : shippedModules();
console.log(
  JSON.stringify(
    modules.map(([file, hash]) => describe(file, hash)),
    null,
    2,
  ),
);
