import { compiledModule } from "#wasm/otlp";
import { ErrorCode } from "../../core/abi.gen.ts";
import { type HostedModule, ModuleHost, ModuleInstance } from "../../wasm/host.ts";
import { type OtlpExports, otlpAbi } from "./abi.gen.ts";
import { putBatch } from "./batch_memory.ts";
import type { BatchWriter } from "./batch_writer.ts";

const seedBytes = 32;

/** Characters of a traceparent of the version we know. */
const traceParentLength = 55;
/** Key, value and properties. */
const baggageTexts = 3;
/** Headers and their parts are cut to this: the specifications ask for less. */
const maxHeaderUnits = 16_384;

/** An instance whose memory has grown past this is replaced by a new one. */
const maxIdleBytes = 8 * 1024 * 1024;

/** One instance of the OTLP module. A call that traps throws ModuleTrapError: the instance is dead from then on. */
export class OtlpCore extends ModuleInstance<OtlpExports> {
  readonly #context: number;
  /** Spans the last request left out because their identifiers are none. */
  skipped = 0;
  #hasSeed = false;

  constructor(module: WebAssembly.Module, onTrap: (cause: unknown) => void = () => {}) {
    super(otlpAbi, module, onTrap);
    this.#context = this.exports.isotel_otlp_create();
  }

  /**
   * Encodes a batch.
   *
   * @returns the request, a view on memory that is good until the next call; or a negative error of errors.def.
   */
  encode(signal: number, format: number, batch: BatchWriter): Uint8Array | number {
    return this.run(() => {
      const sizes = putBatch(batch, this.memory, (size) => this.#buffer(size));
      if (sizes === undefined) return ErrorCode.tooLarge;
      const size = this.exports.isotel_otlp_encode(this.#context, signal, format, ...sizes);
      if (size < 0) return size;
      this.skipped = this.exports.isotel_otlp_skipped(this.#context) >>> 0;
      return this.memory.view(this.exports.isotel_otlp_output(this.#context) >>> 0, size);
    });
  }

  /**
   * `count` times 16 hexadecimal digits, joined. The first call takes the seed from the host's entropy: inside of a
   * handler only, on Workers.
   */
  ids(count: number): string {
    // Before the call: where there is no randomness this throws, and that is no trap.
    const seed = this.#hasSeed ? undefined : crypto.getRandomValues(new Uint8Array(seedBytes));
    return this.run(() => {
      if (seed !== undefined) this.#putSeed(seed);
      return this.#text(this.exports.isotel_otlp_ids(this.#context, count)) ?? "";
    });
  }

  /** Whether to sample a trace; undefined when its identifier is none. See context/sampler.h. */
  sample(parent: number, traceId: string, ratio: number): boolean | undefined {
    return this.run(() => {
      if (this.#put(traceId) !== 32) return undefined;
      const decision = this.exports.isotel_otlp_sample(this.#context, parent, ratio);
      return decision < 0 ? undefined : decision === 1;
    });
  }

  /** A traceparent header without the white space around it; undefined when it says nothing. */
  traceParent(header: string): string | undefined {
    return this.run(() => {
      const flags = this.exports.isotel_otlp_trace_parent(this.#context, this.#put(header));
      return flags < 0 ? undefined : this.#text(traceParentLength);
    });
  }

  /** The members of a tracestate header; undefined when it has to be dropped. */
  traceState(header: string): string | undefined {
    return this.run(() =>
      this.#text(this.exports.isotel_otlp_trace_state(this.#context, this.#put(header))),
    );
  }

  /** A tracestate with one member changed; undefined when key or value are none. */
  traceStateWith(state: string, key: string, value: string): string | undefined {
    return this.run(() => {
      const [stateBytes = 0, keyBytes = 0, valueBytes = 0] = this.#putTexts([state, key, value], 0);
      const { isotel_otlp_trace_state_with } = this.exports;
      return this.#text(
        isotel_otlp_trace_state_with(this.#context, stateBytes, keyBytes, valueBytes),
      );
    });
  }

  /** Key, value and properties of each member of a baggage header, one after the other. */
  baggage(header: string): string[] {
    return this.run(() => {
      const count = this.exports.isotel_otlp_baggage(this.#context, this.#put(header));
      const at = this.exports.isotel_otlp_output(this.#context) >>> 0;
      const sizes = new Uint32Array(this.memory.copy(at, 4 * baggageTexts * count).buffer);
      let textAt = at + sizes.byteLength;
      return Array.from(sizes, (size) => {
        textAt += size;
        return this.memory.text(textAt - size, size);
      });
    });
  }

  /** The baggage header of members as {@link baggage} answers them. */
  baggageHeader(texts: readonly string[]): string {
    return this.run(() => {
      const sizesBytes = 4 * texts.length;
      const sizes = this.#putTexts(texts, sizesBytes);
      const at = this.#buffer(0) >>> 2;
      this.memory.words.set(sizes, at);
      const length = sizes.reduce((sum, size) => sum + size, sizesBytes);
      const { isotel_otlp_baggage_header } = this.exports;
      const count = texts.length / baggageTexts;
      return this.#text(isotel_otlp_baggage_header(this.#context, count, length)) ?? "";
    });
  }

  #putSeed(seed: Uint8Array): void {
    const at = this.#buffer(seedBytes);
    this.memory.bytes.set(seed, at);
    this.#hasSeed = this.exports.isotel_otlp_seed(this.#context) >= 0;
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
      const { written } = this.memory.putText(text, at, end - at);
      at += written;
      return written;
    });
  }

  /** The text a call answered with; undefined for an error. */
  #text(length: number): string | undefined {
    if (length < 0) return undefined;
    return this.memory.text(this.exports.isotel_otlp_output(this.#context) >>> 0, length);
  }

  /** The address of the buffer with room for `size` bytes, 0 past its limit. */
  #buffer(size: number): number {
    return this.exports.isotel_otlp_buffer(this.#context, size) >>> 0;
  }
}

/** Owns the OTLP module's instance of an isolate. */
export class OtlpHost extends ModuleHost<OtlpCore> {
  /** @param module gives the compiled module; it is asked again after a failure. */
  constructor(module: HostedModule<OtlpCore>["module"]) {
    super({
      file: otlpAbi.file,
      module,
      make: (compiled, onTrap) => new OtlpCore(compiled, onTrap),
      loss: "a request, a trace context or ids are missing",
      withoutIt: "this isolate exports nothing over OTLP",
      maxIdleBytes,
    });
  }
}

/** The instance everything of OTLP shares. */
export const otlpHost: OtlpHost = new OtlpHost(() => compiledModule);
