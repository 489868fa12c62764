import { FlueAbi, flueCounterNames } from "./abi.gen.ts";
import { AttributePlan } from "./attributes.ts";
import type { EventIds } from "./event_ids.ts";
import { type FlueExports, instantiateFlue } from "./flue_exports.ts";
import { KnownIds } from "./known_ids.ts";
import type { AttributeSize } from "./span_attributes.ts";

export interface FlueCoreOptions {
  /** Spans open at the same time; at most the core's own limit, which is the default. */
  readonly openSpans?: number;
  /** Milliseconds a span may be open; a day unless given. */
  readonly spanAgeMs?: number;
}

const nothing: readonly number[] = [];

/**
 * One instance of the module for Flue: the spans that are open, by handle.
 *
 * After a trap the instance is dead: that call and all later ones throw.
 */
export class FlueCore {
  readonly #exports: FlueExports;
  readonly #context: number;
  readonly #plans: (AttributePlan | undefined)[] = [];
  /** The whole memory, taken anew when it has grown. */
  #words: Uint32Array;
  #bufferBytes = 0;
  #bytes = new Uint8Array(0);
  readonly #ids = new KnownIds((bytes) => this.#room(bytes));

  /** @throws Error when the module is not the one this package was built for. */
  constructor(module: WebAssembly.Module, { openSpans = 0, spanAgeMs = 0 }: FlueCoreOptions = {}) {
    this.#exports = instantiateFlue(module);
    this.#context = this.#exports.isotel_flue_create(openSpans, spanAgeMs);
    this.#words = new Uint32Array(this.#exports.memory.buffer);
  }

  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** The attributes that doing something (FlueAbi.flueOpen and its kin) sets on a span, a position of `flueSpans`. */
  plan(format: number, verb: number, span: number): AttributePlan {
    const key = (((format << 2) | verb) << 5) | span;
    const known = this.#plans[key];
    if (known !== undefined) return known;
    const count = this.#exports.isotel_flue_plan(this.#context, format, verb, span);
    const plan = new AttributePlan(this.#output(count));
    this.#plans[key] = plan;
    return plan;
  }

  /**
   * What an event does: actions of FlueAbi.flueActionSize numbers each. Empty for an event whose identifiers cannot be
   * told apart.
   */
  take(type: number, ids: EventIds, flags: number, nowMs: number): readonly number[] {
    const bits = this.#ids.tell(ids);
    const { length } = this.#ids;
    const count = this.#exports.isotel_flue_event(this.#context, type, flags, bits, length, nowMs);
    if (count < 0) this.#ids.forget();
    return this.#output(count * FlueAbi.flueActionSize);
  }

  /** The handle of the open span that an event of this type and identifiers is about; 0 for none. */
  find(type: number, ids: EventIds): number {
    const bits = this.#ids.tell(ids);
    const { length } = this.#ids;
    const handle = this.#exports.isotel_flue_find(this.#context, type, bits, length) >>> 0;
    if (handle === 0) this.#ids.forget();
    return handle;
  }

  /** Ends every open span: actions as those of {@link take}. */
  endAll(): readonly number[] {
    const count = this.#exports.isotel_flue_end_all(this.#context);
    return this.#output(count * FlueAbi.flueActionSize);
  }

  /** What to keep of attributes that do not all fit: FlueAbi.flueKeepAll, 0, or bytes to cut a text to. */
  fit(sizes: readonly AttributeSize[], availableBytes: number): readonly number[] {
    const bytes = this.#room(2 * Uint32Array.BYTES_PER_ELEMENT * sizes.length);
    const entries = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * sizes.length);
    sizes.forEach(({ keyBytes, valueBytes, isText }, i) => {
      entries[2 * i] = keyBytes;
      entries[2 * i + 1] = valueBytes | (isText ? FlueAbi.flueCuttable : 0);
    });
    const count = this.#exports.isotel_flue_fit(this.#context, sizes.length, availableBytes);
    return this.#output(count);
  }

  /** How many spans are open, and what was dropped or given up. */
  counters(): Readonly<Record<string, number>> {
    const at = this.#exports.isotel_flue_counters(this.#context) >>> 0;
    const { buffer } = this.#exports.memory;
    const [open = 0, ...counts] = new Float64Array(buffer, at, 1 + flueCounterNames.length);
    const entries = flueCounterNames.map((name, i): [string, number] => [name, counts[i] ?? 0]);
    return { open_spans: open, ...Object.fromEntries(entries) };
  }

  /** So many numbers of the last answer; none of a negative number, which is an error. */
  #output(length: number): readonly number[] {
    if (length <= 0) return nothing;
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#exports.memory.buffer);
    const words = this.#words;
    const at = this.#exports.isotel_flue_output(this.#context) >>> 2;
    const values = new Array<number>(length);
    for (let i = 0; i < length; i += 1) values[i] = words[at + i] as number;
    return values;
  }

  /** The buffer, with room for at least so many bytes. */
  #room(bytes: number): Uint8Array<ArrayBuffer> {
    // Growing the memory empties the views on it.
    if (bytes > this.#bytes.length) {
      this.#bufferBytes = Math.max(bytes, this.#bufferBytes, 4_096);
      const at = this.#exports.isotel_flue_buffer(this.#context, this.#bufferBytes) >>> 0;
      this.#bytes = new Uint8Array(this.#exports.memory.buffer, at, this.#bufferBytes);
    }
    return this.#bytes;
  }
}
