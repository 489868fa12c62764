import { ErrorCode } from "../core/abi.gen.ts";
import { OtlpAbi } from "./abi.gen.ts";
import type { BatchWriter } from "./batch_writer.ts";
import { instantiateOtlp, type OtlpExports } from "./otlp_exports.ts";

const encoder = new TextEncoder();

/** What a call of an instance that trapped, or of none, throws. */
export class OtlpTrapError extends Error {
  override readonly name = "OtlpTrapError";
}

/** One instance of the OTLP module. A call that traps throws {@link OtlpTrapError}: the instance is dead from then on. */
export class OtlpCore {
  readonly #exports: OtlpExports;
  readonly #context: number;
  #capacity = 0;
  #isAlive = true;

  constructor(module: WebAssembly.Module) {
    this.#exports = instantiateOtlp(module);
    this.#context = this.#exports.isotel_otlp_create();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Spans the last request left out because their identifiers are none. */
  get skipped(): number {
    return this.#call(() => this.#exports.isotel_otlp_skipped(this.#context) >>> 0);
  }

  /**
   * Encodes a batch.
   *
   * @returns the request, a view on memory that is good until the next call; or a negative error of errors.def.
   */
  encode(signal: number, format: number, batch: BatchWriter): Uint8Array | number {
    return this.#call(() => {
      const text = batch.keyText + batch.text;
      const { numberCount, wordCount, rawBytes, keySizes } = batch;
      const keyCount = keySizes.length;
      const textAt = 8 * numberCount + 4 * (keyCount + wordCount);
      const fixedBytes = textAt + rawBytes;
      let at = this.#buffer(fixedBytes + text.length);
      if (at === 0) return ErrorCode.tooLarge;
      let { read, written } = this.#putText(text, at + textAt, this.#capacity - fixedBytes);
      if (read < text.length) {
        // Three bytes a unit are always enough.
        const roomBytes = Math.min(3 * text.length, OtlpAbi.maxBatchBytes - fixedBytes);
        at = this.#buffer(fixedBytes + roomBytes);
        ({ read, written } = this.#putText(text, at + textAt, roomBytes));
        if (read < text.length) return ErrorCode.tooLarge;
      }
      const { buffer } = this.#exports.memory;
      new Float64Array(buffer, at, numberCount).set(batch.numbers.subarray(0, numberCount));
      const words = new Uint32Array(buffer, at + 8 * numberCount, keyCount + wordCount);
      words.set(keySizes);
      words.set(batch.words.subarray(0, wordCount), keyCount);
      let rawAt = at + textAt + written;
      for (const bytes of batch.raw) {
        new Uint8Array(buffer, rawAt, bytes.length).set(bytes);
        rawAt += bytes.length;
      }
      const size = this.#exports.isotel_otlp_encode(
        this.#context,
        signal,
        format,
        numberCount,
        keyCount,
        wordCount,
        written,
        text.length,
        rawBytes,
      );
      return size < 0 ? size : this.#output(size);
    });
  }

  #putText(text: string, at: number, roomBytes: number): { read: number; written: number } {
    const target = new Uint8Array(this.#exports.memory.buffer, at, roomBytes);
    return encoder.encodeInto(text, target);
  }

  /** The address of the buffer with room for `size` bytes, 0 past its limit. */
  #buffer(size: number): number {
    const at =
      this.#exports.isotel_otlp_buffer(this.#context, Math.max(size, this.#capacity)) >>> 0;
    if (at !== 0) this.#capacity = Math.max(size, this.#capacity);
    return at;
  }

  #output(size: number): Uint8Array {
    const at = this.#exports.isotel_otlp_output(this.#context) >>> 0;
    return new Uint8Array(this.#exports.memory.buffer, at, size);
  }

  #call<T>(call: () => T): T {
    if (!this.#isAlive) throw new OtlpTrapError("isotel: the OTLP module has trapped");
    try {
      return call();
    } catch (cause) {
      this.#isAlive = false;
      throw new OtlpTrapError("isotel: the OTLP module trapped", { cause });
    }
  }
}

/** After this many traps the module stays off for the rest of the isolate's life. */
const maxTraps = 100;
/** An instance whose memory has grown past this, which never shrinks, is replaced by a new one. */
const maxIdleBytes = 8 * 1024 * 1024;

/** Owns the OTLP module's instance of an isolate. It is made at the first use; one that trapped is replaced. */
export class OtlpHost {
  readonly #module: () => WebAssembly.Module | undefined;
  #core: OtlpCore | undefined;
  #traps = 0;

  /** @param module gives the compiled module; it is asked again after a failure. */
  constructor(module: () => WebAssembly.Module | undefined) {
    this.#module = module;
  }

  /** Instances that trapped or could not be made. */
  get traps(): number {
    return this.#traps;
  }

  /**
   * Runs `use` with the live instance.
   *
   * @throws OtlpTrapError when there is none to be had or it traps, and what `use` throws.
   */
  use<T>(use: (core: OtlpCore) => T): T {
    this.#core ??= this.#make();
    const core = this.#core;
    try {
      return use(core);
    } finally {
      if (!core.isAlive) this.#traps += 1;
      if (!core.isAlive || core.memoryBytes > maxIdleBytes) this.#core = undefined;
    }
  }

  #make(): OtlpCore {
    if (this.#traps >= maxTraps) {
      throw new OtlpTrapError("isotel: the OTLP module has trapped too often");
    }
    try {
      const module = this.#module();
      if (module === undefined) throw new Error("otlp.wasm could not be loaded");
      return new OtlpCore(module);
    } catch (cause) {
      this.#traps += 1;
      throw new OtlpTrapError("isotel: the OTLP module could not be started", { cause });
    }
  }
}
