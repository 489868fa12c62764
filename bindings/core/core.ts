import { cutToBytes, utf8Length } from "../base/bytes.ts";
import { reportOnce } from "../base/report_once.ts";
import type { WasmMemory, WasmModule } from "../base/runtime_types.ts";
import { ModuleInstance } from "../wasm/host.ts";
import type { ModuleMemory } from "../wasm/module.ts";
import { Abi, type CoreExports, coreAbi, counterNames, ErrorCode, Field } from "./abi.gen.ts";
import type { ModelPrice } from "./prices.ts";
import { type FieldValues, isLabel } from "./span_fields.ts";

/** Result of a call after its instance trapped. The core itself never returns it. */
export const trapped = -1000;

/** A value a span can carry. */
export type AttributeValue =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly number[]
  | readonly boolean[];

/** Receives planned attributes. */
export interface AttributeReceiver {
  /** @param uncut the value before it was cut. Undefined if it was not cut. */
  write(key: string, value: AttributeValue, uncut?: AttributeValue): void;
  /** Receives an attribute that is left out for the byte budget. Called only for spans with {@link Abi.spanWhole}. */
  writeUntruncated?(key: string, value: AttributeValue): void;
}

/** The host's side of an open span. */
export interface SpanOwner {
  /** The invocation scope of the span. Undefined for a span outside a scope. */
  readonly scope: object | undefined;
  /** Whether the span ends no later than its scope. */
  readonly bounded: boolean;
  /** Whether no code can end the span any more. Undefined if the code that opened the span will end it. */
  readonly isAbandoned: (() => boolean) | undefined;
  /** Ends the span because its scope has ended. */
  truncate(): void;
}

/** Access to a live instance for another part of the binding. Valid until the instance traps. */
export interface CoreHandle {
  readonly exports: CoreExports;
  readonly context: number;
  readonly memory: ModuleMemory;
  /** Index in `memory.doubles` of the results of a call. */
  readonly resultsAt: number;
  /** Marks the instance as trapped, as a trap in a call of {@link Core} does. */
  readonly trap: (cause: unknown) => void;
}

/** Calls that return a handle or the identifier of a text. */
const handleCalls: ReadonlySet<keyof CoreExports> = new Set([
  "isotel_span_open",
  "isotel_scope_open",
  "isotel_intern",
]);

/**
 * Returns exports that replace those of an instance that trapped. Every call returns `answer`, or 0 in place of a
 * handle, and has no effect.
 */
export function deadExports(memory: WasmMemory, answer: number): CoreExports {
  const functions = coreAbi.exportNames.map((name) => {
    const constant = handleCalls.has(name) ? 0 : answer;
    return [name, () => constant];
  });
  return { ...Object.fromEntries(functions), memory } as CoreExports;
}

/** Longer names, keys and identifiers are cut before they cross into the core, where all limits are far lower. */
const maxTextUnits = 4096;

/** A longer text is not the name of a model, a tool or an error type. It must not fill the core's table of texts. */
const maxLabelUnits = 256;

/** Returns the list in the JSON text of a field. Returns a text that is not JSON as a list of one item. */
function listOf(text: string): readonly string[] {
  try {
    return JSON.parse(text) as readonly string[];
  } catch {
    return [text];
  }
}

/** Marks a planned attribute that is left out for the byte budget. */
const leftOut = Symbol("left out");

/** Three items for each planned attribute: the key, the value, and the uncut value or {@link leftOut}. */
type Planned = (AttributeValue | typeof leftOut | undefined)[];

const noPlan: Planned = [];

/**
 * One instance of the core. Its methods call the exports and decode texts and plans.
 *
 * All calls use one shared block and one text buffer. A method writes its arguments, calls the core and reads the
 * result without running user code in between, because user code may call the core too.
 *
 * A trap inside a call does not reach the caller. The instance is dead from then on: this call and all later calls
 * return {@link trapped} or 0 in place of a handle, and have no effect.
 */
export class Core extends ModuleInstance<CoreExports> {
  /**
   * The host's objects of open spans, by slot of their handle. These references keep the spans open, because the
   * Workers runtime closes an unreferenced span.
   */
  readonly owners: (SpanOwner | undefined)[] = [];
  /** Whether the core measures GenAI spans; see {@link measureSpans}. */
  isMeasuring = false;
  #hasPrices = false;
  readonly #context: number;
  // Where the arrays of the shared block begin, as indexes in memory.doubles or memory.words. See
  // src/abi/core/isotel_abi.h.
  readonly #numbersAt: number;
  readonly #resultsAt: number;
  readonly #sizesAt: number;
  readonly #textIdsAt: number;
  readonly #presentAt: number;
  readonly #planAt: number;
  /** Texts of the field set in the shared block, by field. */
  readonly #fieldTexts: string[] = new Array<string>(Abi.maxFields).fill("");
  #sinkFailures = 0;
  #counters: Readonly<Record<string, number>> = {};
  readonly #keys: (readonly string[] | undefined)[] = [];
  readonly #texts: (string | undefined)[] = [];
  readonly #textIds = new Map<string, number>();
  /** Fields with a text that {@link intern} did not take. */
  readonly fullFields: Set<number> = new Set();
  readonly #endings: (() => void)[] = [];

  constructor(module: WasmModule, onTrap: (cause: unknown) => void) {
    super(coreAbi, module, onTrap);
    this.#context = this.exports.isotel_create();
    const block = this.exports.isotel_shared_block(this.#context) >>> 0;
    const { BYTES_PER_ELEMENT: doubleBytes } = Float64Array;
    const { BYTES_PER_ELEMENT: wordBytes } = Uint32Array;
    this.#numbersAt = (block + Abi.blockNumber) / doubleBytes;
    this.#resultsAt = (block + Abi.blockResult) / doubleBytes;
    this.#sizesAt = (block + Abi.blockSize) / wordBytes;
    this.#textIdsAt = (block + Abi.blockTextId) / wordBytes;
    this.#presentAt = (block + Abi.blockPresent) / wordBytes;
    this.#planAt = (block + Abi.blockPlan) / wordBytes;
  }

  /** Number of plans that stopped because their receiver threw. */
  get sinkFailures(): number {
    return this.#sinkFailures;
  }

  /** Returns the host's object of an open span. */
  ownerOf(handle: number): SpanOwner | undefined {
    return this.owners[handle & (Abi.maxSpanSlots - 1)];
  }

  /**
   * Gives another part of the binding access to the instance, which must be alive. `onEnd` is called once after a trap.
   * The exports can still be called from `onEnd`, but they may trap again.
   */
  lend(onEnd: () => void): CoreHandle {
    this.#endings.push(onEnd);
    return {
      exports: this.exports,
      context: this.#context,
      memory: this.memory,
      resultsAt: this.#resultsAt,
      trap: (cause) => this.end(cause),
    };
  }

  openScope(): number {
    return this.#call(() => this.exports.isotel_scope_open(this.#context), 0);
  }

  /** Returns the handles of the open spans of a scope, newest first. */
  scopeSpans(scope: number, boundedOnly: boolean): number[] {
    return this.#call(() => {
      const count = this.exports.isotel_scope_spans(this.#context, scope, boundedOnly ? 1 : 0);
      if (count <= 0) return [];
      const at = this.#buffer(4 * count) >>> 2;
      return Array.from(this.memory.words.subarray(at, at + count));
    }, []);
  }

  closeScope(scope: number): void {
    this.#call(() => this.exports.isotel_scope_close(this.#context, scope), trapped);
  }

  /** Returns a handle, or 0 if a limit is reached. */
  openSpan(
    operation: number,
    parent: number,
    scope: number,
    flags: number,
    startUnixMs: number,
  ): number {
    try {
      const { isotel_span_open } = this.exports;
      return isotel_span_open(this.#context, operation, parent, scope, flags, startUnixMs) >>> 0;
    } catch (cause) {
      return this.#trap(cause, 0);
    }
  }

  /** Plans the start attributes from the fields and writes them to `sink`. */
  startSpan(span: number, profile: number, fields: FieldValues, sink: AttributeReceiver): void {
    try {
      this.#putFields(fields);
      let entries = this.exports.isotel_span_start(this.#context, span, 0);
      if (entries === ErrorCode.needExactSizes) {
        this.#putExactSizes(fields);
        entries = this.exports.isotel_span_start(this.#context, span, Abi.sizesExact);
      }
      this.#write(this.#takePlan(entries, profile, fields), sink);
    } catch (cause) {
      this.#trap(cause, trapped);
    }
  }

  /**
   * Counts attributes that were written to a span against its limits; see isotel_span_reserve().
   *
   * @returns the number of attributes that may still be written, or a negative error.
   */
  reserveAttributes(span: number, count: number, bytes: number, invalid: number): number {
    try {
      return this.exports.isotel_span_reserve(this.#context, span, count, bytes, invalid);
    } catch (cause) {
      return this.#trap(cause, trapped);
    }
  }

  /** The number of bytes that may still be written to the span of the last {@link reserveAttributes}. */
  get reservedBytesLeft(): number {
    return this.#result;
  }

  /**
   * Returns a decision for each of the user's attributes; see isotel_span_fit(). Attributes beyond the end of the
   * result are dropped.
   */
  fitAttributes(
    span: number,
    sizes: readonly { keyBytes: number; valueBytes: number; cuttable: boolean }[],
    invalid: number,
  ): Uint32Array {
    const none = new Uint32Array(0);
    return this.#call(() => {
      const at = this.#buffer(8 * sizes.length) >>> 2;
      const { words } = this.memory;
      sizes.forEach((size, index) => {
        words[at + 2 * index] = size.keyBytes;
        words[at + 2 * index + 1] = (size.cuttable ? Abi.cuttable : 0) | size.valueBytes;
      });
      const count = this.exports.isotel_span_fit(this.#context, span, sizes.length, invalid);
      return count > 0 ? this.memory.words.slice(at, at + count) : none;
    }, none);
  }

  firstChunk(span: number, nowUnixMs: number): void {
    try {
      this.exports.isotel_span_first_chunk(this.#context, span, nowUnixMs);
    } catch (cause) {
      this.#trap(cause, trapped);
    }
  }

  /** Notes that output after the first chunk has arrived, for the metrics of the span. */
  nextChunk(span: number, nowUnixMs: number): void {
    try {
      this.exports.isotel_span_next_chunk(this.#context, span, nowUnixMs);
    } catch (cause) {
      this.#trap(cause, trapped);
    }
  }

  /**
   * Starts measuring GenAI spans; see isotel_genai_metrics().
   *
   * @param currency the unit of costs.
   * @returns the number of metrics that are left out because the Worker has declared their names, or a negative error.
   */
  measureSpans(flags: number, currency: string): number {
    const leftOut = this.#call(
      () => this.exports.isotel_genai_metrics(this.#context, flags, this.#putText(currency)),
      trapped,
    );
    if (leftOut >= 0) {
      this.isMeasuring = true;
    }
    return leftOut;
  }

  /**
   * Sets the prices of a million tokens of a model; see isotel_genai_price().
   *
   * @returns 0 or a negative error.
   */
  setPrice({ model, input, output, cacheRead, cacheWrite }: ModelPrice): number {
    this.#hasPrices = true;
    return this.#call(() => {
      const length = this.#putText(model);
      const { isotel_genai_price } = this.exports;
      return isotel_genai_price(this.#context, length, input, output, cacheRead, cacheWrite);
    }, trapped);
  }

  setStatus(span: number, status: number): void {
    try {
      this.exports.isotel_span_status(this.#context, span, status);
    } catch (cause) {
      this.#trap(cause, trapped);
    }
  }

  /**
   * Counts written attributes, plans the finish attributes from the fields, writes them to `sink` and ends the span.
   *
   * @returns the final status (0 unset, 1 ok, 2 error), or a negative error if the span had already ended.
   */
  endSpan(
    span: number,
    outcome: number,
    flags: number,
    endUnixMs: number,
    profile: number,
    count: number,
    bytes: number,
    invalid: number,
    fields: FieldValues,
    sink: AttributeReceiver,
  ): number {
    try {
      this.#putFields(fields);
      let entries = this.exports.isotel_span_end(
        this.#context,
        span,
        outcome,
        flags,
        endUnixMs,
        count,
        bytes,
        invalid,
      );
      if (entries === ErrorCode.needExactSizes) {
        this.#putExactSizes(fields);
        entries = this.exports.isotel_span_end(
          this.#context,
          span,
          outcome,
          flags | Abi.sizesExact,
          endUnixMs,
          0,
          0,
          0,
        );
      }
      const planned = this.#takePlan(entries, profile, fields);
      if (entries < 0) return entries;
      const status = this.#result;
      if (entries > 0) this.#write(planned, sink);
      return status;
    } catch (cause) {
      return this.#trap(cause, trapped);
    }
  }

  /** Returns the attribute key of a field, or an empty string if the profile has none. */
  keyOf(profile: number, field: number): string {
    return this.#call(() => (this.#keys[profile] ?? this.#loadKeys(profile))[field] ?? "", "");
  }

  /** Returns `{operation} {target}`, or only the operation if both do not fit. */
  spanName(operation: number, target: string): string {
    return this.#textCall(target, "", (length) =>
      this.exports.isotel_span_name(this.#context, operation, length),
    );
  }

  /** Returns the part of a span name that the Workers runtime keeps. */
  cutName(name: string): string {
    return this.#call(
      () => {
        const length = this.#putText(name);
        const kept = this.exports.isotel_cut_name(this.#context, length);
        return kept < length ? cutToBytes(name, kept) : name;
      },
      name.slice(0, 21),
    );
  }

  /** Returns `gen_ai.provider.name` for a provider identifier of the AI SDK. */
  providerName(provider: string): string {
    return this.#textCall(provider, provider, (length) =>
      this.exports.isotel_provider_name(this.#context, length),
    );
  }

  /** Returns the attribute key of a metadata entry, or an empty string if the entry is consumed. */
  metadataKey(source: number, key: string): string {
    return this.#textCall(key, "", (length) =>
      this.exports.isotel_metadata_key(this.#context, source, length),
    );
  }

  /**
   * Returns the identifier of a text that has few distinct values. Returns 0 if the core's table is full, or if the
   * label of the field has all its values.
   */
  intern(text: string, field: number = Abi.maxFields): number {
    const known = this.#textIds.get(text);
    if (known !== undefined) return known;
    return this.#call(() => {
      if (text.length > maxTextUnits) return 0;
      const id = this.exports.isotel_intern(this.#context, this.#putText(text), field) >>> 0;
      if (id !== 0) this.#textIds.set(text, id);
      else if (field < Abi.maxFields) this.fullFields.add(field);
      return id;
    }, 0);
  }

  /** Returns the counters of src/base/counters.def by name. For a dead instance they are as of its trap. */
  counters(): Readonly<Record<string, number>> {
    if (this.isAlive) this.#call(() => this.#readCounters(), undefined);
    return this.#counters;
  }

  #readCounters(): void {
    this.exports.isotel_counters(this.#context);
    const { doubles } = this.memory;
    this.#counters = Object.fromEntries(
      counterNames.map((name, index) => [name, doubles[this.#resultsAt + index] ?? 0]),
    );
  }

  /** Writes a field set into the shared block. */
  #putFields({ fields, values }: FieldValues): void {
    const { length } = fields;
    // Interns before it reads the views: a new text may grow the memory.
    for (let i = 0; i < length; i += 1) {
      const field = fields[i] as number;
      if (this.#isInterned(field, values[i])) this.intern(values[i] as string, field);
    }
    const { doubles, words } = this.memory;
    const presentAt = this.#presentAt;
    words[presentAt] = 0;
    words[presentAt + 1] = 0;
    words[presentAt + 2] = 0;
    words[presentAt + 3] = 0;
    for (let i = 0; i < length; i += 1) {
      const field = fields[i] as number;
      const value = values[i] as string | number;
      if (typeof value === "number") {
        doubles[this.#numbersAt + field] = value;
      } else {
        this.#fieldTexts[field] = value;
        words[this.#sizesAt + field] = value.length;
        words[this.#textIdsAt + field] = this.#isInterned(field, value)
          ? (this.#textIds.get(value) ?? 0)
          : 0;
      }
      const word = presentAt + (field >> 5);
      words[word] = (words[word] as number) | (1 << (field & 31));
    }
  }

  /** Whether a value crosses into the core as the identifier of its text. Only fields with few distinct texts do. */
  #isInterned(field: number, value: unknown): boolean {
    if (typeof value !== "string") return false;
    if (field === Field.finishReason) return true;
    const isNamed = this.isMeasuring || (this.#hasPrices && field === Field.requestModel);
    return isNamed && isLabel[field] === 1 && value.length <= maxLabelUnits;
  }

  /** Replaces the lengths of texts in the shared block: UTF-16 units become UTF-8 bytes. */
  #putExactSizes({ fields, values }: FieldValues): void {
    const { words } = this.memory;
    for (let i = 0; i < fields.length; i += 1) {
      const value = values[i];
      if (typeof value === "string") {
        words[this.#sizesAt + (fields[i] as number)] = utf8Length(value);
      }
    }
  }

  /** Returns the attributes of a plan and removes their texts from this object. Returns none for an error. */
  #takePlan(entries: number, profile: number, { fields }: FieldValues): Planned {
    let planned = noPlan;
    if (entries > 0) {
      planned = [];
      const keys = this.#keys[profile] ?? this.#loadKeys(profile);
      for (let i = 0; i < entries; i += 1) {
        // Read again for each entry: reading a text may grow the memory.
        const { words } = this.memory;
        const head = words[this.#planAt + 2 * i] as number;
        const argument = words[this.#planAt + 2 * i + 1] as number;
        const field = head & 0xff;
        const source = (head >>> 8) & 0xff;
        const key = keys[field] as string;
        if (source === Abi.sourceCutText) {
          const uncut = this.#fieldTexts[field] as string;
          planned.push(key, cutToBytes(uncut, argument), uncut);
        } else {
          const value = this.#planned(source, field, argument);
          planned.push(key, value, (head & Abi.leftOut) === 0 ? undefined : leftOut);
        }
      }
    }
    // Releases the texts: a large text must not outlive its span.
    for (let i = 0; i < fields.length; i += 1) this.#fieldTexts[fields[i] as number] = "";
    return planned;
  }

  #planned(source: number, field: number, argument: number): AttributeValue {
    const texts = this.#fieldTexts;
    switch (source) {
      case Abi.sourceText:
        return texts[field] as string;
      case Abi.sourceNumber:
        return this.memory.doubles[this.#numbersAt + field] as number;
      case Abi.sourceTrue:
        return true;
      case Abi.sourceInterned:
        return this.#textOf(argument);
      case Abi.sourceTextList:
        return [texts[argument] as string];
      case Abi.sourceJsonList:
        return listOf(texts[field] as string);
      default:
        return [this.#textOf(argument)];
    }
  }

  #write(planned: Planned, sink: AttributeReceiver): void {
    try {
      for (let i = 0; i < planned.length; i += 3) {
        const key = planned[i] as string;
        const value = planned[i + 1] as AttributeValue;
        const uncut = planned[i + 2];
        if (uncut === leftOut) sink.writeUntruncated?.(key, value);
        else sink.write(key, value, uncut as AttributeValue | undefined);
      }
    } catch {
      this.#sinkFailures += 1;
      reportOnce(
        "isotel: a span rejected its attributes; isotel_swallowed_errors counts these errors.",
      );
    }
  }

  #loadKeys(profile: number): readonly string[] {
    const length = this.exports.isotel_keys(this.#context, profile);
    const keys = this.#getText(length).split("\n");
    this.#keys[profile] = keys;
    return keys;
  }

  #textOf(id: number): string {
    const known = this.#texts[id];
    if (known !== undefined) return known;
    const text = this.#getText(this.exports.isotel_text(this.#context, id));
    this.#texts[id] = text;
    return text;
  }

  #textCall(input: string, otherwise: string, call: (length: number) => number): string {
    return this.#call(() => {
      const length = call(this.#putText(input));
      return length < 0 ? otherwise : this.#getText(length);
    }, otherwise);
  }

  /** Writes a text to the start of the buffer. Returns its length in bytes. */
  #putText(text: string): number {
    const cut = text.length > maxTextUnits ? text.slice(0, maxTextUnits) : text;
    const capacity = 3 * cut.length;
    const at = this.#buffer(capacity);
    return this.memory.putText(cut, at, capacity).written;
  }

  #getText(length: number): string {
    if (length <= 0) return "";
    return this.memory.text(this.#buffer(length), length);
  }

  /** Returns the address of the text buffer. The buffer keeps its content if it is already large enough. */
  #buffer(size: number): number {
    return this.exports.isotel_buffer(this.#context, size) >>> 0;
  }

  /** The additional result of the last call. */
  get #result(): number {
    return this.memory.doubles[this.#resultsAt] as number;
  }

  #call<T>(call: () => T, otherwise: T): T {
    try {
      return call();
    } catch (cause) {
      return this.#trap(cause, otherwise);
    }
  }

  #trap<T>(cause: unknown, otherwise: T): T {
    this.end(cause);
    return otherwise;
  }

  protected override onEnd(): void {
    try {
      this.#readCounters();
    } catch {
      // The memory may be broken. Keeps the last known counters.
    }
    for (const end of this.#endings) {
      try {
        end();
      } catch {
        // The memory may be broken, so the data cannot be saved.
      }
    }
    this.exports = deadExports(this.exports.memory, trapped);
  }
}

/** The receiver for spans that no trace records. The core plans no attributes for them. */
export const noReceiver: AttributeReceiver = { write() {} };
