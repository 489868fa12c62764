import { type HostedModule, ModuleHost, ModuleInstance } from "../wasm/host.ts";
import { FlueAbi, type FlueExports, flueAbi, flueCounterNames } from "./abi.gen.ts";
import { AttributePlan } from "./attributes.ts";
import type { EventIds } from "./event_ids.ts";
import { KnownIds } from "./known_ids.ts";
import type { AttributeSize } from "./span_attributes.ts";

export interface FlueCoreOptions {
  /** Spans open at the same time; at most the core's own limit, which is the default. */
  readonly openSpans?: number;
  /** Milliseconds a span may be open. Default: a day. */
  readonly spanAgeMs?: number;
}

const nothing: readonly number[] = [];

/**
 * One instance of the module for Flue: the spans that are open, by handle.
 *
 * After a trap the instance is dead: that call and all later ones throw ModuleTrapError.
 */
export class FlueCore extends ModuleInstance<FlueExports> {
  readonly #context: number;
  readonly #plans: (AttributePlan | undefined)[] = [];
  #bufferBytes = 0;
  #bytes = new Uint8Array(0);
  readonly #ids = new KnownIds((bytes) => this.#room(bytes));

  /** @throws Error when the module is not the one this package was built for. */
  constructor(
    module: WebAssembly.Module,
    { openSpans = 0, spanAgeMs = 0 }: FlueCoreOptions = {},
    onTrap: (cause: unknown) => void = () => {},
  ) {
    super(flueAbi, module, onTrap);
    this.#context = this.exports.isotel_flue_create(openSpans, spanAgeMs);
  }

  /** The attributes that doing something (FlueAbi.open and its kin) sets on a span, a position of `flueSpans`. */
  plan(format: number, verb: number, span: number): AttributePlan {
    const key = (((format << 2) | verb) << 5) | span;
    const known = this.#plans[key];
    if (known !== undefined) return known;
    const plan = this.run(() => {
      const count = this.exports.isotel_flue_plan(this.#context, format, verb, span);
      return new AttributePlan(this.#output(count));
    });
    this.#plans[key] = plan;
    return plan;
  }

  /**
   * What an event does: actions of FlueAbi.opSize numbers each. Empty for an event whose identifiers cannot be
   * told apart.
   */
  take(type: number, ids: EventIds, flags: number, nowMs: number): readonly number[] {
    this.checkAlive();
    try {
      const bits = this.#ids.tell(ids);
      const { length } = this.#ids;
      const count = this.exports.isotel_flue_event(this.#context, type, flags, bits, length, nowMs);
      if (count < 0) this.#ids.forget();
      return this.#output(count * FlueAbi.opSize);
    } catch (cause) {
      throw this.failed(cause);
    }
  }

  /** The handle of the open span that an event of this type and identifiers is about; 0 for none. */
  find(type: number, ids: EventIds): number {
    return this.run(() => {
      const bits = this.#ids.tell(ids);
      const { length } = this.#ids;
      const handle = this.exports.isotel_flue_find(this.#context, type, bits, length) >>> 0;
      if (handle === 0) this.#ids.forget();
      return handle;
    });
  }

  /** Ends every open span: actions as those of {@link take}. */
  endAll(): readonly number[] {
    return this.run(() => {
      const count = this.exports.isotel_flue_end_all(this.#context);
      return this.#output(count * FlueAbi.opSize);
    });
  }

  /** What to keep of attributes that do not all fit: FlueAbi.keepAll, 0, or bytes to cut a text to. */
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

  /** How many spans are open, and what was dropped or given up. */
  counters(): Readonly<Record<string, number>> {
    return this.run(() => {
      const at = this.exports.isotel_flue_counters(this.#context) >>> 3;
      const { doubles } = this.memory;
      const counts = flueCounterNames.map((name, i) => [name, doubles[at + 1 + i] ?? 0]);
      return { open_spans: doubles[at] ?? 0, ...Object.fromEntries(counts) };
    });
  }

  /** So many numbers of the last answer; none of a negative number, which is an error. */
  #output(length: number): readonly number[] {
    if (length <= 0) return nothing;
    const at = this.exports.isotel_flue_output(this.#context) >>> 2;
    const { words } = this.memory;
    const values = new Array<number>(length);
    for (let i = 0; i < length; i += 1) values[i] = words[at + i] as number;
    return values;
  }

  /** The buffer, with room for at least so many bytes. */
  #room(bytes: number): Uint8Array<ArrayBuffer> {
    // Growing the memory empties the views on it.
    if (bytes > this.#bytes.length) {
      this.#bufferBytes = Math.max(bytes, this.#bufferBytes, 4_096);
      const at = this.exports.isotel_flue_buffer(this.#context, this.#bufferBytes) >>> 0;
      this.#bytes = this.memory.view(at, this.#bufferBytes);
    }
    return this.#bytes;
  }
}

/** Owns the module for Flue. */
export class FlueCoreHost extends ModuleHost<FlueCore> {
  /** @param module gives the compiled module; it is asked again after a failure. */
  constructor(module: HostedModule<FlueCore>["module"], options: FlueCoreOptions = {}) {
    super({
      file: flueAbi.file,
      module,
      make: (compiled, onTrap) => new FlueCore(compiled, options, onTrap),
      loss: "Flue's spans that were open end here",
      withoutIt: "Flue is not observed",
    });
  }

  /** Counts of the live core, and of the instances that trapped. */
  counters(): Readonly<Record<string, number>> {
    const counts = this.attempt((core) => core.counters(), {});
    return { ...counts, traps: this.traps, memory_bytes: this.instance?.memoryBytes ?? 0 };
  }
}
