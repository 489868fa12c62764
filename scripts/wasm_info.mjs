// wasm_info.mjs FILE...: imports, exports, raw and gzip bytes of WebAssembly modules, as JSON.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

function describe(file) {
  const bytes = readFileSync(file);
  const module = new WebAssembly.Module(bytes);
  return {
    file,
    bytes: bytes.length,
    gzipBytes: gzipSync(bytes, { level: 9 }).length,
    imports: WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`),
    exports: WebAssembly.Module.exports(module).map(({ name }) => name),
  };
}

for (const file of process.argv.slice(2)) {
  console.log(JSON.stringify(describe(file), null, 2));
}
