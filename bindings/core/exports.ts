import { Abi, exportNames } from "./abi.gen.ts";

type ExportName = (typeof exportNames)[number];

/** The functions of src/abi/isotel_abi.h and the memory they work on. */
export type CoreExports = Record<ExportName, (...args: number[]) => number> & {
  readonly memory: WebAssembly.Memory;
};

/**
 * Instantiates a core module and checks that it is the one this package was built for.
 *
 * @throws Error when an import is wanted, an export is missing or the ABI version or the tables differ: the module and
 * the JavaScript around it come from different versions of the package.
 */
export function instantiate(module: WebAssembly.Module): CoreExports {
  const imports = WebAssembly.Module.imports(module);
  if (imports.length > 0) {
    throw new Error(`isotel: core.wasm wants imports (${imports[0]?.module}.${imports[0]?.name})`);
  }
  const { exports } = new WebAssembly.Instance(module, {});
  const missing = [...exportNames, "memory"].filter((name) => !(name in exports));
  if (missing.length > 0) throw new Error(`isotel: core.wasm lacks ${missing.join(", ")}`);
  if (typeof exports["_initialize"] === "function") exports["_initialize"]();
  const core = exports as unknown as CoreExports;
  const version = core.isotel_abi_version();
  if (version !== Abi.abiVersion) {
    throw new Error(`isotel: core.wasm has ABI version ${version}, expected ${Abi.abiVersion}`);
  }
  if (core.isotel_abi_fingerprint() >>> 0 !== Abi.fingerprint) {
    throw new Error("isotel: core.wasm was built from other tables than the JavaScript around it");
  }
  return core;
}

/** Stands in for the exports of an instance that trapped: every call answers `answer` and does nothing. */
export function deadExports(memory: WebAssembly.Memory, answer: number): CoreExports {
  const handleCalls = new Set<ExportName>([
    "isotel_span_open",
    "isotel_scope_open",
    "isotel_intern",
  ]);
  const functions = exportNames.map((name) => [name, () => (handleCalls.has(name) ? 0 : answer)]);
  return { ...Object.fromEntries(functions), memory } as CoreExports;
}
