import type { WasmMemory, WasmModule } from "../base/runtime_types.ts";

/** The part of the exports that every module has. */
export interface ModuleExports {
  readonly memory: WasmMemory;
}

/** The properties a module must have to match this package. scripts/generate_abi.mjs writes one for each module. */
export interface ModuleAbi<Exports> {
  /** The file name of the module, for messages. */
  readonly file: string;
  /** The prefix of `_abi_version` and `_abi_fingerprint`. */
  readonly prefix: string;
  readonly version: number;
  readonly fingerprint: number;
  readonly exportNames: readonly (keyof Exports & string)[];
}

/**
 * Instantiates a module and checks that it matches this package.
 *
 * @throws Error if the module has an import, lacks an export, or differs in its ABI version or its tables. The module
 * and the JavaScript around it then come from different versions of the package.
 */
export function instantiate<Exports extends ModuleExports>(
  { file, prefix, version, fingerprint, exportNames }: ModuleAbi<Exports>,
  module: WasmModule,
): Exports {
  const imports = WebAssembly.Module.imports(module);
  if (imports.length > 0) {
    throw new Error(`isotel: ${file} has imports (${imports[0]?.module}.${imports[0]?.name})`);
  }
  const { exports } = new WebAssembly.Instance(module, {});
  const missing = [...exportNames, "memory"].filter((name) => !(name in exports));
  if (missing.length > 0) throw new Error(`isotel: ${file} lacks ${missing.join(", ")}`);
  const functions = exports as unknown as Readonly<Record<string, () => number>>;
  functions["_initialize"]?.();
  const found = functions[`${prefix}_abi_version`]?.();
  if (found !== version) {
    throw new Error(`isotel: ${file} has ABI version ${found}, expected ${version}`);
  }
  if ((functions[`${prefix}_abi_fingerprint`]?.() ?? 0) >>> 0 !== fingerprint) {
    throw new Error(`isotel: ${file} was built from other tables than the JavaScript around it`);
  }
  return exports as unknown as Exports;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The memory of a module. Any call may grow the memory, which detaches all views on it. Each property returns a current
 * view; use it only until the next call.
 */
export class ModuleMemory {
  readonly #memory: WasmMemory;
  // Empty, like views on a memory that has grown: the first use creates them.
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);
  #doubles = new Float64Array(0);

  constructor(memory: WasmMemory) {
    this.#memory = memory;
  }

  /** Size of the memory in bytes. Never shrinks. */
  get size(): number {
    return this.bytes.length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#renew();
    return this.#bytes;
  }

  get words(): Uint32Array {
    if (this.#words.length === 0) this.#renew();
    return this.#words;
  }

  get doubles(): Float64Array {
    if (this.#doubles.length === 0) this.#renew();
    return this.#doubles;
  }

  /** Returns a view on `size` bytes at an address. */
  view(at: number, size: number): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(at, at + size);
  }

  copy(at: number, size: number): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(at, at + size);
  }

  text(at: number, size: number): string {
    return decoder.decode(this.view(at, size));
  }

  /** Writes as much of a text as fits into `roomBytes`. Returns the UTF-16 units read and the bytes written. */
  putText(text: string, at: number, roomBytes: number): { read: number; written: number } {
    return encoder.encodeInto(text, this.view(at, roomBytes));
  }

  #renew(): void {
    const buffer = this.#memory.buffer as ArrayBuffer;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }
}
