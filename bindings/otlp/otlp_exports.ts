import { instantiateDoor, type WasmExports } from "../core/wasm_exports.ts";
import { OtlpAbi, otlpExportNames } from "./abi.gen.ts";

/** The functions of src/abi/otlp/isotel_otlp.h and the memory they work on. */
export type OtlpExports = WasmExports<(typeof otlpExportNames)[number]>;

/**
 * Instantiates an OTLP module and checks that it is the one this package was built for.
 *
 * @throws Error when it is not; see {@link instantiateDoor}.
 */
export function instantiateOtlp(module: WebAssembly.Module): OtlpExports {
  return instantiateDoor(module, {
    file: "otlp.wasm",
    exportNames: otlpExportNames,
    version: "isotel_otlp_abi_version",
    fingerprint: "isotel_otlp_abi_fingerprint",
    expected: { abiVersion: OtlpAbi.otlpAbiVersion, fingerprint: OtlpAbi.fingerprint },
  });
}
