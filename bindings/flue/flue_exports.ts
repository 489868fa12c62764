import { instantiateDoor, type WasmExports } from "../core/wasm_exports.ts";
import { FlueAbi, flueExportNames } from "./abi.gen.ts";

/** The functions of src/abi/flue/isotel_flue.h and the memory they work on. */
export type FlueExports = WasmExports<(typeof flueExportNames)[number]>;

/**
 * Instantiates a module for Flue and checks that it is the one this package was built for.
 *
 * @throws Error when it is not; see {@link instantiateDoor}.
 */
export function instantiateFlue(module: WebAssembly.Module): FlueExports {
  return instantiateDoor(module, {
    file: "flue.wasm",
    exportNames: flueExportNames,
    version: "isotel_flue_abi_version",
    fingerprint: "isotel_flue_abi_fingerprint",
    expected: { abiVersion: FlueAbi.flueAbiVersion, fingerprint: FlueAbi.fingerprint },
  });
}
