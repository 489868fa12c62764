import { Abi, type CoreExports, coreAbi, counterNames } from "../../../bindings/core/abi.gen.ts";
import { instantiate } from "../../../bindings/wasm/module.ts";
import { coreModule } from "./module.ts";

/** What the core planned for one attribute. */
export interface PlanEntry {
  readonly field: number;
  readonly source: number;
  readonly argument: number;
}

/** A size handed to isotel_span_fit(). */
export interface FitSize {
  readonly key: number;
  readonly value: number;
  readonly cuttable?: boolean;
}

/** The exports of one instance as they are, with the memory read and written by hand. */
export class RawCore {
  readonly exports: CoreExports;
  readonly context: number;
  readonly block: number;

  constructor(module: WebAssembly.Module = coreModule) {
    this.exports = instantiate(coreAbi, module);
    this.context = this.exports.isotel_create() >>> 0;
    this.block = this.exports.isotel_shared_block(this.context) >>> 0;
  }

  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  /** A view on memory, good until the next call. */
  view(): DataView {
    return new DataView(this.exports.memory.buffer);
  }

  /** Puts bytes into the buffer; their number. */
  putBytes(bytes: Uint8Array): number {
    const at = this.exports.isotel_buffer(this.context, bytes.length) >>> 0;
    new Uint8Array(this.exports.memory.buffer, at, bytes.length).set(bytes);
    return bytes.length;
  }

  put(text: string): number {
    return this.putBytes(new TextEncoder().encode(text));
  }

  /** The bytes a call answered with. */
  answerBytes(length: number): Uint8Array {
    if (length < 0) throw new Error(`The call answered error ${length}.`);
    const at = this.exports.isotel_buffer(this.context, 0) >>> 0;
    return new Uint8Array(this.exports.memory.buffer, at, length).slice();
  }

  answer(length: number): string {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return strict.decode(this.answerBytes(length));
  }

  words(count: number): number[] {
    const at = this.exports.isotel_buffer(this.context, 0) >>> 0;
    return Array.from(new Uint32Array(this.exports.memory.buffer, at, count));
  }

  clearFields(): void {
    const present = this.block + Abi.blockPresent;
    new Uint8Array(this.exports.memory.buffer, present, Abi.maxFields / 8).fill(0);
  }

  number(field: number, value: number): void {
    this.view().setFloat64(this.block + Abi.blockNumber + 8 * field, value, true);
    this.#present(field);
  }

  /** A text of `size` UTF-16 units, or UTF-8 bytes when sizes are exact. */
  textField(field: number, size: number, textId = 0): void {
    const view = this.view();
    view.setUint32(this.block + Abi.blockSize + 4 * field, size >>> 0, true);
    view.setUint32(this.block + Abi.blockTextId + 4 * field, textId >>> 0, true);
    this.#present(field);
  }

  plan(entries: number): PlanEntry[] {
    if (entries > Abi.maxFields) throw new Error(`A plan of ${entries} entries.`);
    const view = this.view();
    const at = this.block + Abi.blockPlan;
    return Array.from({ length: Math.max(entries, 0) }, (_, index) => {
      const what = view.getUint32(at + 8 * index, true);
      const argument = view.getUint32(at + 8 * index + 4, true);
      return { field: what & 0xff, source: what >>> 8, argument };
    });
  }

  result(index = 0): number {
    return this.view().getFloat64(this.block + Abi.blockResult + 8 * index, true);
  }

  /** The number of a field, where the core may have put one. */
  numberAt(field: number): number {
    return this.view().getFloat64(this.block + Abi.blockNumber + 8 * field, true);
  }

  counters(): Record<string, number> {
    const count = this.exports.isotel_counters(this.context);
    return Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        counterNames[index] ?? `counter ${index}`,
        this.result(index),
      ]),
    );
  }

  open(operation = 0, { parent = 0, scope = 0, flags = 0, startUnixMs = 1000 } = {}): number {
    return (
      this.exports.isotel_span_open(this.context, operation, parent, scope, flags, startUnixMs) >>>
      0
    );
  }

  end(span: number, outcome = 0, flags = 0, endUnixMs = 2000): number {
    return this.exports.isotel_span_end(this.context, span, outcome, flags, endUnixMs, 0, 0, 0);
  }

  fit(span: number, sizes: readonly FitSize[], invalid = 0): number[] {
    this.putBytes(fitEntries(sizes));
    const count = this.exports.isotel_span_fit(this.context, span, sizes.length, invalid);
    if (count < 0) throw new Error(`isotel_span_fit answered error ${count}.`);
    return this.words(count);
  }

  #present(field: number): void {
    const at = this.block + Abi.blockPresent + 4 * (field >> 5);
    const view = this.view();
    view.setUint32(at, (view.getUint32(at, true) | (1 << (field & 31))) >>> 0, true);
  }
}

/** Sizes as isotel_span_fit() reads them. */
export function fitEntries(sizes: readonly FitSize[]): Uint8Array {
  const words = new Uint32Array(2 * sizes.length);
  sizes.forEach(({ key, value, cuttable = false }, index) => {
    words[2 * index] = key;
    words[2 * index + 1] = (cuttable ? Abi.cuttable : 0) | value;
  });
  return new Uint8Array(words.buffer);
}
