import { OtlpAbi, otlpExportNames } from "./abi.gen.ts";

type ExportName = (typeof otlpExportNames)[number];

/** The functions of src/abi/otlp/isotel_otlp.h and the memory they work on. */
export type OtlpExports = Record<ExportName, (...args: number[]) => number> & {
  readonly memory: WebAssembly.Memory;
};

/**
 * Instantiates an OTLP module and checks that it is the one this package was built for.
 *
 * @throws Error when an import is wanted, an export is missing or the ABI version or the tables differ: the module and
 * the JavaScript around it come from different versions of the package.
 */
export function instantiateOtlp(module: WebAssembly.Module): OtlpExports {
  const imports = WebAssembly.Module.imports(module);
  if (imports.length > 0) {
    throw new Error(`isotel: otlp.wasm wants imports (${imports[0]?.module}.${imports[0]?.name})`);
  }
  const { exports } = new WebAssembly.Instance(module, {});
  const missing = [...otlpExportNames, "memory"].filter((name) => !(name in exports));
  if (missing.length > 0) throw new Error(`isotel: otlp.wasm lacks ${missing.join(", ")}`);
  if (typeof exports["_initialize"] === "function") exports["_initialize"]();
  const otlp = exports as unknown as OtlpExports;
  const version = otlp.isotel_otlp_abi_version();
  if (version !== OtlpAbi.otlpAbiVersion) {
    throw new Error(
      `isotel: otlp.wasm has ABI version ${version}, expected ${OtlpAbi.otlpAbiVersion}`,
    );
  }
  if (otlp.isotel_otlp_abi_fingerprint() >>> 0 !== OtlpAbi.fingerprint) {
    throw new Error("isotel: otlp.wasm was built from other tables than the JavaScript around it");
  }
  return otlp;
}
