import { compiledModule } from "#wasm/otlp";
import { ErrorCode } from "../core/abi.gen.ts";
import { type HostedModule, ModuleHost, ModuleInstance } from "../wasm/host.ts";
import { type OtlpExports, otlpAbi } from "./abi.gen.ts";
import { putBatch } from "./batch_memory.ts";
import type { BatchWriter } from "./batch_writer.ts";

const seedBytes = 32;

/** Characters of a traceparent of the version we know. */
const traceParentLength = 55;
/** Headers are cut to this length. The specifications ask for less. */
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

  #putSeed(seed: Uint8Array): void {
    const at = this.#buffer(seedBytes);
    this.memory.bytes.set(seed, at);
    this.#hasSeed = this.exports.isotel_otlp_seed(this.#context) >= 0;
  }

  /** Writes at most {@link maxHeaderUnits} units of a text to the start of the buffer. Returns their bytes. */
  #put(text: string): number {
    const header = text.slice(0, maxHeaderUnits);
    const roomBytes = 3 * header.length;
    return this.memory.putText(header, this.#buffer(roomBytes), roomBytes).written;
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
