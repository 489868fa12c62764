import { ModuleInstance } from "../wasm/host.ts";
import type { ModuleMemory } from "../wasm/module.ts";
import { Abi, type CoreExports, coreAbi, counterNames, ErrorCode, Field } from "./abi.gen.ts";
import { type FieldValues, isLabel } from "./field_set.ts";
import { reportOnce } from "./report_once.ts";
import { cutToBytes, utf8Length } from "./utf8.ts";

/** What a call answers after its instance trapped. Never an answer of the core itself. */
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
export interface AttributeSink {
  /** @param whole the value before it was cut, where it was. */
  write(key: string, value: AttributeValue, whole?: AttributeValue): void;
  /** An attribute that is left out for its bytes; told of spans with {@link Abi.spanWhole}. */
  writeWholeOnly?(key: string, value: AttributeValue): void;
}

/** An instance as it is lent to another part of the binding; good until it traps. */
export interface CoreLoan {
  readonly exports: CoreExports;
  readonly context: number;
  readonly memory: ModuleMemory;
  /** Where `memory.doubles` has the results of a call. */
  readonly resultsAt: number;
  /** Gives the instance up, as after a trap in a call of {@link Core} itself. */
  readonly trap: (cause: unknown) => void;
}

/** Calls whose answer is a handle or the number of a text. */
const handleCalls: ReadonlySet<keyof CoreExports> = new Set([
  "isotel_span_open",
  "isotel_scope_open",
  "isotel_intern",
]);

/** Stands in for the exports of an instance that trapped: every call answers `answer`, or no handle, and does nothing. */
export function deadExports(memory: WebAssembly.Memory, answer: number): CoreExports {
  const functions = coreAbi.exportNames.map((name) => {
    const constant = handleCalls.has(name) ? 0 : answer;
    return [name, () => constant];
  });
  return { ...Object.fromEntries(functions), memory } as CoreExports;
}

/** Names, keys and identifiers longer than this are cut before they cross; all have far shorter limits. */
const maxTextUnits = 4096;

/** A longer text names no model, tool or kind of error, and must not fill the core's table of texts. */
const maxLabelUnits = 256;

/** The list that a field holds as JSON; a text that is no JSON is a list of itself. */
function listOf(text: string): readonly string[] {
  try {
    return JSON.parse(text) as readonly string[];
  } catch {
    return [text];
  }
}

/** What stands in place of the whole value of an attribute that is left out for its bytes. */
const leftOut = Symbol("left out");

/** A planned attribute is three of these: key, value, and the whole value or {@link leftOut}. */
type Planned = (AttributeValue | typeof leftOut | undefined)[];

const noPlan: Planned = [];

/**
 * One instance of the core: its exports as methods, with texts and plans decoded.
 *
 * The exchange block and the text buffer are shared by all calls. A method writes its arguments there, calls and reads
 * the answer without running code of anybody else in between: such code may call the core too.
 *
 * A trap inside a call does not reach the caller. The instance is dead from then on: the call and all later ones answer
 * {@link trapped} (or no handle) and do nothing.
 */
export class Core extends ModuleInstance<CoreExports> {
  /**
   * The host's objects of open spans, by slot of their handle. The Workers runtime closes a span nobody refers to:
   * this is what refers to it.
   */
  readonly owners: (object | undefined)[] = [];
  /** Whether it measures GenAI spans; see {@link measureSpans}. */
  isMeasuring = false;
  readonly #context: number;
  // Where the arrays of the exchange block begin: places in memory.doubles or memory.words. See src/abi/core/isotel_abi.h.
  readonly #numbersAt: number;
  readonly #resultsAt: number;
  readonly #sizesAt: number;
  readonly #textIdsAt: number;
  readonly #presentAt: number;
  readonly #planAt: number;
  /** Texts of the set that is in the exchange block, by field. */
  readonly #fieldTexts: string[] = new Array<string>(Abi.maxFields).fill("");
  #sinkFailures = 0;
  #counters: Readonly<Record<string, number>> = {};
  readonly #keys: (readonly string[] | undefined)[] = [];
  readonly #texts: (string | undefined)[] = [];
  readonly #textIds = new Map<string, number>();
  readonly #endings: (() => void)[] = [];

  constructor(module: WebAssembly.Module, onTrap: (cause: unknown) => void) {
    super(coreAbi, module, onTrap);
    this.#context = this.exports.isotel_create();
    const exchange = this.exports.isotel_shared_block(this.#context) >>> 0;
    const { BYTES_PER_ELEMENT: doubleBytes } = Float64Array;
    const { BYTES_PER_ELEMENT: wordBytes } = Uint32Array;
    this.#numbersAt = (exchange + Abi.blockNumber) / doubleBytes;
    this.#resultsAt = (exchange + Abi.blockResult) / doubleBytes;
    this.#sizesAt = (exchange + Abi.blockSize) / wordBytes;
    this.#textIdsAt = (exchange + Abi.blockTextId) / wordBytes;
    this.#presentAt = (exchange + Abi.blockPresent) / wordBytes;
    this.#planAt = (exchange + Abi.blockPlan) / wordBytes;
  }

  /** Plans that were broken off because their sink threw. */
  get sinkFailures(): number {
    return this.#sinkFailures;
  }

  /** The host's object of an open span. */
  ownerOf(handle: number): object | undefined {
    return this.owners[handle & (Abi.maxSpanSlots - 1)];
  }

  /**
   * Lends the instance, which has to be alive. `onEnd` is called once when it has trapped, while its exports can still
   * be called at one's own risk.
   */
  lend(onEnd: () => void): CoreLoan {
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

  /** Handles of the open spans of a scope, newest first. */
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

  /** A handle, or 0 when a limit was reached. */
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

  /** Plans the start attributes from the fields and writes them. */
  startSpan(span: number, profile: number, fields: FieldValues, sink: AttributeSink): void {
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
   * Charges attributes that were written to a span; see isotel_span_reserve().
   *
   * @returns how many more may be written, or a negative error.
   */
  chargeAttributes(span: number, count: number, bytes: number, invalid: number): number {
    try {
      return this.exports.isotel_span_reserve(this.#context, span, count, bytes, invalid);
    } catch (cause) {
      return this.#trap(cause, trapped);
    }
  }

  /** How many more bytes may be written to the span last charged. */
  get chargedBytesLeft(): number {
    return this.#result;
  }

  /** A decision for each of the user's attributes; see isotel_span_fit(). Shorter when the rest is dropped. */
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

  /** Notes that output after the first has arrived, for the metrics of the span. */
  nextChunk(span: number, nowUnixMs: number): void {
    try {
      this.exports.isotel_span_next_chunk(this.#context, span, nowUnixMs);
    } catch (cause) {
      this.#trap(cause, trapped);
    }
  }

  /**
   * Measures GenAI spans from now on; see isotel_genai_metrics().
   *
   * @param currency unit of costs.
   * @returns how many metrics are left out because the Worker has declared their names, or a negative error.
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
   * Sets what a million tokens of a model cost; see isotel_genai_price().
   *
   * @returns 0 or a negative error.
   */
  setPrice(
    model: string,
    input: number,
    output: number,
    cacheRead: number,
    cacheWrite: number,
  ): number {
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
   * Charges attributes, plans the finish attributes from the fields, writes them and ends the span.
   *
   * @returns the final status (0 unset, 1 ok, 2 error), or a negative error when the span had ended before.
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
    sink: AttributeSink,
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

  /** The attribute key of a field; empty where the profile has none. */
  keyOf(profile: number, field: number): string {
    return this.#call(() => (this.#keys[profile] ?? this.#loadKeys(profile))[field] ?? "", "");
  }

  /** `{operation} {target}`, or the bare operation where that does not fit. */
  spanName(operation: number, target: string): string {
    return this.#textCall(target, "", (length) =>
      this.exports.isotel_span_name(this.#context, operation, length),
    );
  }

  /** The part of a span name the Workers runtime keeps. */
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

  /** gen_ai.provider.name of an AI SDK provider identifier. */
  providerName(provider: string): string {
    return this.#textCall(provider, provider, (length) =>
      this.exports.isotel_provider_name(this.#context, length),
    );
  }

  /** The attribute key of a metadata entry, empty when the entry is consumed. */
  metadataKey(source: number, key: string): string {
    return this.#textCall(key, "", (length) =>
      this.exports.isotel_metadata_key(this.#context, source, length),
    );
  }

  /** The identifier of a text of few distinct values; 0 when the core's table is full. */
  intern(text: string): number {
    const known = this.#textIds.get(text);
    if (known !== undefined) return known;
    return this.#call(() => {
      if (text.length > maxTextUnits) return 0;
      const id = this.exports.isotel_intern(this.#context, this.#putText(text)) >>> 0;
      if (id !== 0) this.#textIds.set(text, id);
      return id;
    }, 0);
  }

  /** The counters of src/base/counters.def by name; of a dead instance what they were when it trapped. */
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

  /** Writes a field set into the exchange block. */
  #putFields({ fields, values }: FieldValues): void {
    const { length } = fields;
    // Before the views are used: a text that is new may grow the memory.
    for (let i = 0; i < length; i += 1) {
      if (this.#isInterned(fields[i] as number, values[i])) this.intern(values[i] as string);
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

  /** Whether a value goes into the core as a number that stands for its text: one of few distinct texts. */
  #isInterned(field: number, value: unknown): boolean {
    if (typeof value !== "string") return false;
    if (field === Field.finishReason) return true;
    return this.isMeasuring && isLabel[field] === 1 && value.length <= maxLabelUnits;
  }

  /** Replaces the lengths of texts in the exchange block, in UTF-16 units, by their UTF-8 bytes. */
  #putExactSizes({ fields, values }: FieldValues): void {
    const { words } = this.memory;
    for (let i = 0; i < fields.length; i += 1) {
      const value = values[i];
      if (typeof value === "string") {
        words[this.#sizesAt + (fields[i] as number)] = utf8Length(value);
      }
    }
  }

  /** The attributes of a plan, which takes them out of the exchange block; empty for an error. */
  #takePlan(entries: number, profile: number, { fields }: FieldValues): Planned {
    let planned = noPlan;
    if (entries > 0) {
      planned = [];
      const keys = this.#keys[profile] ?? this.#loadKeys(profile);
      for (let i = 0; i < entries; i += 1) {
        // Taken anew each time: a text that is read may grow the memory.
        const { words } = this.memory;
        const what = words[this.#planAt + 2 * i] as number;
        const argument = words[this.#planAt + 2 * i + 1] as number;
        const field = what & 0xff;
        const source = (what >>> 8) & 0xff;
        const key = keys[field] as string;
        if (source === Abi.sourceCutText) {
          const whole = this.#fieldTexts[field] as string;
          planned.push(key, cutToBytes(whole, argument), whole);
        } else {
          const value = this.#planned(source, field, argument);
          planned.push(key, value, (what & Abi.leftOut) === 0 ? undefined : leftOut);
        }
      }
    }
    // Large texts must not outlive their span here.
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

  #write(planned: Planned, sink: AttributeSink): void {
    try {
      for (let i = 0; i < planned.length; i += 3) {
        const key = planned[i] as string;
        const value = planned[i + 1] as AttributeValue;
        const whole = planned[i + 2];
        if (whole === leftOut) sink.writeWholeOnly?.(key, value);
        else sink.write(key, value, whole as AttributeValue | undefined);
      }
    } catch {
      this.#sinkFailures += 1;
      reportOnce(
        "isotel: a span did not take its attributes; isotel_swallowed_errors counts them.",
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

  /** Writes a text to the start of the buffer; its bytes. */
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

  /** Address of the text buffer, which keeps its content when it is large enough already. */
  #buffer(size: number): number {
    return this.exports.isotel_buffer(this.#context, size) >>> 0;
  }

  /** What the last call answered besides its result. */
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
      // What broke the instance broke them too: the last known ones stay.
    }
    for (const end of this.#endings) {
      try {
        end();
      } catch {
        // The same may have happened to whatever was to be saved.
      }
    }
    this.exports = deadExports(this.exports.memory, trapped);
  }
}
