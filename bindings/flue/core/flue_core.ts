import type { WasmModule } from "../../base/runtime_types.ts";
import { type HostedModule, ModuleHost, ModuleInstance } from "../../wasm/host.ts";
import { FlueAbi, type FlueExports, flueAbi, flueCounterNames } from "../abi.gen.ts";
import { AttributePlan } from "../events/attributes.ts";
import type { EventIds } from "../events/event_ids.ts";
import { KnownIds } from "./known_ids.ts";
import type { AttributeSize } from "./span_attributes.ts";

export interface FlueCoreOptions {
  /** Maximum number of open spans. Default: the limit of the core, which is also the greatest value. */
  readonly openSpans?: number;
  /** Maximum age of an open span in milliseconds. Default: one day. */
  readonly spanAgeMs?: number;
}

const nothing: readonly number[] = [];

/**
 * One instance of the Flue module. It keeps the open spans by handle.
 *
 * After a trap, the call and all later calls throw ModuleTrapError. Discard the instance then.
 */
export class FlueCore extends ModuleInstance<FlueExports> {
  readonly #context: number;
  readonly #plans: (AttributePlan | undefined)[] = [];
  #bufferBytes = 0;
  #bytes = new Uint8Array(0);
  readonly #ids = new KnownIds((bytes) => this.#room(bytes));

  /** @throws Error if the module does not match this package. */
  constructor(
    module: WasmModule,
    { openSpans = 0, spanAgeMs = 0 }: FlueCoreOptions = {},
    onTrap: (cause: unknown) => void = () => {},
  ) {
    super(flueAbi, module, onTrap);
    this.#context = this.exports.isotel_flue_create(openSpans, spanAgeMs);
  }

  /**
   * Returns the attributes that an action sets on a span.
   *
   * @param code FlueAbi.open, or another action of a span.
   * @param span Position in `flueSpans`.
   */
  plan(format: number, code: number, span: number): AttributePlan {
    const key = (((format << 2) | code) << 5) | span;
    const known = this.#plans[key];
    if (known !== undefined) return known;
    const plan = this.run(() => {
      const count = this.exports.isotel_flue_plan(this.#context, format, code, span);
      return new AttributePlan(this.#output(count));
    });
    this.#plans[key] = plan;
    return plan;
  }

  /**
   * Returns the actions of an event, FlueAbi.opSize numbers each. Empty for an event with ambiguous
   * identifiers.
   */
  take(type: number, ids: EventIds, flags: number, nowMs: number): readonly number[] {
    this.checkAlive();
    try {
      const bits = this.#ids.newBits(ids);
      const { length } = this.#ids;
      const count = this.exports.isotel_flue_event(this.#context, type, flags, bits, length, nowMs);
      if (count < 0) this.#ids.forget();
      return this.#output(count * FlueAbi.opSize);
    } catch (cause) {
      throw this.failed(cause);
    }
  }

  /**
   * Returns the handle of the open span for an event of this type with these identifiers. Returns 0 if there is none.
   */
  find(type: number, ids: EventIds): number {
    return this.run(() => {
      const bits = this.#ids.newBits(ids);
      const { length } = this.#ids;
      const handle = this.exports.isotel_flue_find(this.#context, type, bits, length) >>> 0;
      if (handle === 0) this.#ids.forget();
      return handle;
    });
  }

  /** Ends all open spans. Returns the actions in the form of {@link take}. */
  endAll(): readonly number[] {
    return this.run(() => {
      const count = this.exports.isotel_flue_end_all(this.#context);
      return this.#output(count * FlueAbi.opSize);
    });
  }

  /**
   * Returns how much of each attribute to keep if not all of them fit: FlueAbi.keepAll, 0 for nothing, or the number of
   * bytes to truncate a text to.
   */
  fit(sizes: readonly AttributeSize[], availableBytes: number): readonly number[] {
    return this.run(() => {
      const bytes = this.#room(2 * Uint32Array.BYTES_PER_ELEMENT * sizes.length);
      const { words } = this.memory;
      const at = bytes.byteOffset >>> 2;
      sizes.forEach(({ keyBytes, valueBytes, isText }, i) => {
        words[at + 2 * i] = keyBytes;
        words[at + 2 * i + 1] = valueBytes | (isText ? FlueAbi.cuttable : 0);
      });
      return this.#output(
        this.exports.isotel_flue_fit(this.#context, sizes.length, availableBytes),
      );
    });
  }

  /** Returns the number of open spans, and the counts of ignored events and of spans that ended early. */
  counters(): Readonly<Record<string, number>> {
    return this.run(() => {
      const at = this.exports.isotel_flue_counters(this.#context) >>> 3;
      const { doubles } = this.memory;
      const counts = flueCounterNames.map((name, i) => [name, doubles[at + 1 + i] ?? 0]);
      return { open_spans: doubles[at] ?? 0, ...Object.fromEntries(counts) };
    });
  }

  /**
   * Returns the first `length` numbers of the last output. Returns none if `length` is negative, which is an error
   * code.
   */
  #output(length: number): readonly number[] {
    if (length <= 0) return nothing;
    const at = this.exports.isotel_flue_output(this.#context) >>> 2;
    const { words } = this.memory;
    const values = new Array<number>(length);
    for (let i = 0; i < length; i += 1) values[i] = words[at + i] as number;
    return values;
  }

  /** Returns the buffer with room for at least `bytes` bytes. */
  #room(bytes: number): Uint8Array<ArrayBuffer> {
    // When the memory grows, views on it become empty.
    if (bytes > this.#bytes.length) {
      this.#bufferBytes = Math.max(bytes, this.#bufferBytes, 4_096);
      const at = this.exports.isotel_flue_buffer(this.#context, this.#bufferBytes) >>> 0;
      this.#bytes = this.memory.view(at, this.#bufferBytes);
    }
    return this.#bytes;
  }
}

/** Owns the Flue module. */
export class FlueCoreHost extends ModuleHost<FlueCore> {
  /** @param module Returns the compiled module. Called again after a failure. */
  constructor(module: HostedModule<FlueCore>["module"], options: FlueCoreOptions = {}) {
    super({
      file: flueAbi.file,
      module,
      make: (compiled, onTrap) => new FlueCore(compiled, options, onTrap),
      loss: "the open spans of Flue end now",
      withoutIt: "Flue is not observed",
    });
  }

  /** Returns the counts of the live core, the number of traps and the bytes of its memory. */
  counters(): Readonly<Record<string, number>> {
    const counts = this.attempt((core) => core.counters(), {});
    return { ...counts, traps: this.traps, memory_bytes: this.instance?.memoryBytes ?? 0 };
  }
}
