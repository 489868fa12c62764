/** The functions of a module and the memory they work on. */
export type WasmExports<Name extends string> = Record<Name, (...args: number[]) => number> & {
  readonly memory: WebAssembly.Memory;
};

/** What the JavaScript around a module was built for. */
export interface Door<Name extends string> {
  /** For messages. */
  readonly file: string;
  readonly exportNames: readonly Name[];
  readonly version: Name;
  readonly fingerprint: Name;
  readonly expected: { readonly abiVersion: number; readonly fingerprint: number };
}

/**
 * Instantiates a module and checks that it is the one this package was built for.
 *
 * @throws Error when an import is wanted, an export is missing or the ABI version or the tables differ: the module and
 * the JavaScript around it come from different versions of the package.
 */
export function instantiateDoor<Name extends string>(
  module: WebAssembly.Module,
  { file, exportNames, version, fingerprint, expected }: Door<Name>,
): WasmExports<Name> {
  const imports = WebAssembly.Module.imports(module);
  if (imports.length > 0) {
    throw new Error(`isotel: ${file} wants imports (${imports[0]?.module}.${imports[0]?.name})`);
  }
  const { exports } = new WebAssembly.Instance(module, {});
  const missing = [...exportNames, "memory"].filter((name) => !(name in exports));
  if (missing.length > 0) throw new Error(`isotel: ${file} lacks ${missing.join(", ")}`);
  if (typeof exports["_initialize"] === "function") exports["_initialize"]();
  const door = exports as unknown as WasmExports<Name>;
  const found = door[version]();
  if (found !== expected.abiVersion) {
    throw new Error(`isotel: ${file} has ABI version ${found}, expected ${expected.abiVersion}`);
  }
  if (door[fingerprint]() >>> 0 !== expected.fingerprint) {
    throw new Error(`isotel: ${file} was built from other tables than the JavaScript around it`);
  }
  return door;
}
