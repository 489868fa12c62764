import { compiledModule } from "#wasm/otlp";
import type { WasmModule } from "../../base/runtime_types.ts";
import { ErrorCode } from "../../core/abi.gen.ts";
import { type HostedModule, ModuleHost, ModuleInstance } from "../../wasm/host.ts";
import { type OtlpExports, otlpAbi } from "./abi.gen.ts";
import { putBatch } from "./batch_memory.ts";
import type { BatchWriter } from "./batch_writer.ts";

const seedBytes = 32;

/** Length of a traceparent header of version 00. */
const traceParentLength = 55;
/** Longer headers are truncated. The specifications require less. */
const maxHeaderUnits = 16_384;

/** An instance is replaced when its memory has grown beyond this size. */
const maxIdleBytes = 8 * 1024 * 1024;

/**
 * One instance of the OTLP module. A call that traps throws ModuleTrapError. The instance cannot be used afterwards.
 */
export class OtlpCore extends ModuleInstance<OtlpExports> {
  readonly #context: number;
  /** Number of spans that the last request left out because their ids are invalid. */
  skipped = 0;
  #hasSeed = false;

  constructor(module: WasmModule, onTrap: (cause: unknown) => void = () => {}) {
    super(otlpAbi, module, onTrap);
    this.#context = this.exports.isotel_otlp_create();
  }

  /**
   * Encodes a batch.
   *
   * @returns The request, as a view of memory that is valid until the next call. A negative code of errors.def on
   *   error.
   */
  encode(signal: number, format: number, dialect: number, batch: BatchWriter): Uint8Array | number {
    return this.run(() => {
      const sizes = putBatch(batch, this.memory, (size) => this.#buffer(size));
      if (sizes === undefined) return ErrorCode.tooLarge;
      const size = this.exports.isotel_otlp_encode(
        this.#context,
        signal,
        format,
        dialect,
        ...sizes,
      );
      if (size < 0) return size;
      this.skipped = this.exports.isotel_otlp_skipped(this.#context) >>> 0;
      return this.memory.view(this.exports.isotel_otlp_output(this.#context) >>> 0, size);
    });
  }

  /**
   * Returns `count` ids of 16 hexadecimal digits, joined. The first call reads a seed from the entropy of the host. On
   * Workers, entropy is available inside handlers only.
   */
  ids(count: number): string {
    // Read before the call: without entropy this throws, which must not count as a trap.
    const seed = this.#hasSeed ? undefined : crypto.getRandomValues(new Uint8Array(seedBytes));
    return this.run(() => {
      if (seed !== undefined) this.#putSeed(seed);
      return this.#text(this.exports.isotel_otlp_ids(this.#context, count)) ?? "";
    });
  }

  /** Returns whether to sample a trace. Undefined if its id is invalid. See context/sampler.h. */
  sample(parent: number, traceId: string, ratio: number): boolean | undefined {
    return this.run(() => {
      if (this.#put(traceId) !== 32) return undefined;
      const decision = this.exports.isotel_otlp_sample(this.#context, parent, ratio);
      return decision < 0 ? undefined : decision === 1;
    });
  }

  /** Returns a traceparent header without surrounding white space. Undefined if it is invalid. */
  traceParent(header: string): string | undefined {
    return this.run(() => {
      const flags = this.exports.isotel_otlp_trace_parent(this.#context, this.#put(header));
      return flags < 0 ? undefined : this.#text(traceParentLength);
    });
  }

  /** Returns the members of a tracestate header. Undefined if the header must be dropped. */
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

  /**
   * Writes up to {@link maxHeaderUnits} UTF-16 units of a text to the start of the buffer. Returns the number of bytes.
   */
  #put(text: string): number {
    const header = text.slice(0, maxHeaderUnits);
    const roomBytes = 3 * header.length;
    return this.memory.putText(header, this.#buffer(roomBytes), roomBytes).written;
  }

  /** Returns the text that the last call produced. Undefined if the call failed. */
  #text(length: number): string | undefined {
    if (length < 0) return undefined;
    return this.memory.text(this.exports.isotel_otlp_output(this.#context) >>> 0, length);
  }

  /** Returns the address of a buffer of `size` bytes. 0 if `size` exceeds the limit. */
  #buffer(size: number): number {
    return this.exports.isotel_otlp_buffer(this.#context, size) >>> 0;
  }
}

/** Owns the instance of the OTLP module in an isolate. */
export class OtlpHost extends ModuleHost<OtlpCore> {
  /** @param module Returns the compiled module. Called again after a failure. */
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

/** The instance that all OTLP functions share. */
export const otlpHost: OtlpHost = new OtlpHost(() => compiledModule);
