import { Abi, exportNames } from "./abi.gen.ts";
import { instantiateDoor, type WasmExports } from "./wasm_exports.ts";

type ExportName = (typeof exportNames)[number];

/** The functions of src/abi/isotel_abi.h and the memory they work on. */
export type CoreExports = WasmExports<ExportName>;

/**
 * Instantiates a core module and checks that it is the one this package was built for.
 *
 * @throws Error when it is not; see {@link instantiateDoor}.
 */
export function instantiate(module: WebAssembly.Module): CoreExports {
  return instantiateDoor(module, {
    file: "core.wasm",
    exportNames,
    version: "isotel_abi_version",
    fingerprint: "isotel_abi_fingerprint",
    expected: Abi,
  });
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
