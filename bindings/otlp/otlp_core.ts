import { ErrorCode } from "../core/abi.gen.ts";
import { putBatch } from "./batch_memory.ts";
import type { BatchWriter } from "./batch_writer.ts";
import { instantiateOtlp, type OtlpExports } from "./otlp_exports.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const seedBytes = 32;

/** Characters of a traceparent of the version we know. */
const traceParentLength = 55;
/** Key, value and properties. */
const baggageTexts = 3;
/** Headers and their parts are cut to this: the specifications ask for less. */
const maxHeaderUnits = 16_384;

/** What a call of an instance that trapped, or of none, throws. */
export class OtlpTrapError extends Error {
  override readonly name = "OtlpTrapError";
}

/** One instance of the OTLP module. A call that traps throws {@link OtlpTrapError}: the instance is dead from then on. */
export class OtlpCore {
  readonly #exports: OtlpExports;
  readonly #context: number;
  #hasSeed = false;
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
      const { memory, isotel_otlp_encode } = this.#exports;
      const sizes = putBatch(batch, memory, (size) => this.#buffer(size));
      if (sizes === undefined) return ErrorCode.tooLarge;
      const size = isotel_otlp_encode(this.#context, signal, format, ...sizes);
      return size < 0 ? size : this.#output(size);
    });
  }

  /**
   * `count` times 16 hexadecimal digits, joined. The first call takes the seed from the host's entropy: inside of a
   * handler only, on Workers.
   */
  ids(count: number): string {
    return this.#call(() => {
      if (!this.#hasSeed) this.#seed();
      return this.#text(this.#exports.isotel_otlp_ids(this.#context, count)) ?? "";
    });
  }

  /** Whether to sample a trace; undefined when its identifier is none. See context/sampler.h. */
  sample(parent: number, traceId: string, ratio: number): boolean | undefined {
    return this.#call(() => {
      if (this.#put(traceId) !== 32) return undefined;
      const decision = this.#exports.isotel_otlp_sample(this.#context, parent, ratio);
      return decision < 0 ? undefined : decision === 1;
    });
  }

  /** A traceparent header without the white space around it; undefined when it says nothing. */
  traceParent(header: string): string | undefined {
    return this.#call(() => {
      const flags = this.#exports.isotel_otlp_trace_parent(this.#context, this.#put(header));
      return flags < 0 ? undefined : this.#text(traceParentLength);
    });
  }

  /** The members of a tracestate header; undefined when it has to be dropped. */
  traceState(header: string): string | undefined {
    return this.#call(() =>
      this.#text(this.#exports.isotel_otlp_trace_state(this.#context, this.#put(header))),
    );
  }

  /** A tracestate with one member changed; undefined when key or value are none. */
  traceStateWith(state: string, key: string, value: string): string | undefined {
    return this.#call(() => {
      const [stateBytes = 0, keyBytes = 0, valueBytes = 0] = this.#putTexts([state, key, value], 0);
      const { isotel_otlp_trace_state_with } = this.#exports;
      return this.#text(
        isotel_otlp_trace_state_with(this.#context, stateBytes, keyBytes, valueBytes),
      );
    });
  }

  /** Key, value and properties of each member of a baggage header, one after the other. */
  baggage(header: string): string[] {
    return this.#call(() => {
      const count = this.#exports.isotel_otlp_baggage(this.#context, this.#put(header));
      const at = this.#exports.isotel_otlp_output(this.#context) >>> 0;
      const { buffer } = this.#exports.memory;
      const sizes = new Uint32Array(buffer.slice(at, at + 4 * baggageTexts * count));
      let textAt = at + sizes.byteLength;
      return Array.from(sizes, (size) => {
        textAt += size;
        return decoder.decode(new Uint8Array(buffer, textAt - size, size));
      });
    });
  }

  /** The baggage header of members as {@link baggage} answers them. */
  baggageHeader(texts: readonly string[]): string {
    return this.#call(() => {
      const sizesBytes = 4 * texts.length;
      const sizes = this.#putTexts(texts, sizesBytes);
      const at = this.#buffer(0);
      new Uint32Array(this.#exports.memory.buffer, at, sizes.length).set(sizes);
      const length = sizes.reduce((sum, size) => sum + size, sizesBytes);
      const { isotel_otlp_baggage_header } = this.#exports;
      const count = texts.length / baggageTexts;
      return this.#text(isotel_otlp_baggage_header(this.#context, count, length)) ?? "";
    });
  }

  #seed(): void {
    const seed = crypto.getRandomValues(new Uint8Array(seedBytes));
    const at = this.#buffer(seedBytes);
    new Uint8Array(this.#exports.memory.buffer, at, seedBytes).set(seed);
    this.#hasSeed = this.#exports.isotel_otlp_seed(this.#context) >= 0;
  }

  /** Writes a text to the start of the buffer; its bytes, at most {@link maxHeaderUnits} units of it. */
  #put(text: string): number {
    return this.#putTexts([text], 0)[0] as number;
  }

  /** Writes texts to the buffer one after the other, from `start` on; the bytes of each. */
  #putTexts(texts: readonly string[], start: number): number[] {
    const cut = texts.map((text) => text.slice(0, maxHeaderUnits));
    const roomBytes = cut.reduce((sum, text) => sum + 3 * text.length, 0);
    let at = this.#buffer(start + roomBytes) + start;
    const end = at + roomBytes;
    return cut.map((text) => {
      const { written } = this.#putText(text, at, end - at);
      at += written;
      return written;
    });
  }

  /** The text a call answered with; undefined for an error. */
  #text(length: number): string | undefined {
    return length < 0 ? undefined : decoder.decode(this.#output(length));
  }

  #putText(text: string, at: number, roomBytes: number): { read: number; written: number } {
    const target = new Uint8Array(this.#exports.memory.buffer, at, roomBytes);
    return encoder.encodeInto(text, target);
  }

  /** The address of the buffer with room for `size` bytes, 0 past its limit. */
  #buffer(size: number): number {
    return this.#exports.isotel_otlp_buffer(this.#context, size) >>> 0;
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
