import { Abi, type CoreExports, ErrorCode, Limits } from "./abi.gen.ts";
import { type Core, type CoreHandle, deadExports, trapped } from "./core.ts";
import { type Declaration, encodeDeclaration } from "./declaration.ts";

/** Length of a producer's identifier in bytes. */
export const producerIdBytes = 16;

const traceIdBytes = 16;
const exemplarBytes = 24;
/** A longer label set goes to the overflow series, so the rest of a longer value has no effect. */
const maxLabelUnits = Limits.maxLabelBytes + 1;

/** The data saved from an instance of the core that trapped. */
export interface TrapRecovery {
  /** Frames that were not yet handed over. */
  readonly frames: Uint8Array<ArrayBuffer>[];
  /** Whether data recorded since the last flush is lost, because the trap was in a call of {@link MetricsCore}. */
  readonly isLoss: boolean;
}

/**
 * The metrics of one instance of the core. It is one producer of delta frames.
 *
 * A trap inside a call does not reach the caller, as in {@link Core}: this call and all later calls return
 * {@link trapped}.
 */
export class MetricsCore {
  /** False once the instance has trapped. */
  isAlive = true;
  readonly #loan: CoreHandle;
  readonly #context: number;
  readonly #clock: () => number;
  readonly #onEnd: (remains: TrapRecovery) => void;
  #exports: CoreExports;
  /** A copy of the export that is called most often. */
  #record: CoreExports["isotel_metrics_record"];
  #trappedHere = false;
  #overflowed = 0;
  #replaced = 0;
  #invalid = 0;

  /**
   * Makes the core a producer.
   *
   * @param producerId 16 random bytes that were never used before.
   * @param clock returns Unix milliseconds.
   * @param onEnd is called with the saved data when the instance traps.
   * @returns undefined if the core is already a producer or traps.
   */
  static open(
    core: Core,
    producerId: Uint8Array,
    clock: () => number,
    onEnd: (remains: TrapRecovery) => void,
  ): MetricsCore | undefined {
    const metrics = new MetricsCore(core, clock, onEnd);
    return metrics.#open(producerId) === ErrorCode.ok ? metrics : undefined;
  }

  private constructor(core: Core, clock: () => number, onEnd: (remains: TrapRecovery) => void) {
    this.#loan = core.lend(() => this.#end());
    this.#exports = this.#loan.exports;
    this.#record = this.#exports.isotel_metrics_record;
    this.#context = this.#loan.context;
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  #open(producerId: Uint8Array): number {
    return this.#call(() => {
      this.#put(producerId);
      return this.#exports.isotel_metrics_open(this.#context);
    });
  }

  /** Sets the labels of every series; see isotel_metrics_constant_labels(). */
  setConstantLabels(labels: Uint8Array): void {
    this.#call(() => {
      this.#put(labels);
      return this.#exports.isotel_metrics_constant_labels(this.#context, labels.length);
    });
  }

  /** Declares a family. Returns its number or a negative error. */
  declare(declaration: Declaration): number {
    return this.#call(() => {
      const { bounds } = declaration;
      const values = "generator" in bounds ? this.#generate(bounds) : bounds;
      if (typeof values === "number") return values;
      const bytes = encodeDeclaration(declaration, values);
      this.#put(bytes);
      return this.#exports.isotel_metrics_declare(this.#context, bytes.length);
    });
  }

  #generate(
    bounds: Extract<Declaration["bounds"], { generator: number }>,
  ): readonly number[] | number {
    const { generator, a, b, count } = bounds;
    const found = this.#exports.isotel_metrics_bounds(this.#context, generator, a, b, count);
    if (found < 0) return found;
    const at = this.#buffer(8 * found) >>> 3;
    return Array.from(this.#loan.memory.doubles.subarray(at, at + found));
  }

  /** Returns the row of a label set, or a negative error. `values` are in the order of the declared label names. */
  bind(family: number, values: readonly string[]): number {
    return this.#call(() => {
      const nowMs = this.#clock();
      const texts = values.map((value) => value.slice(0, maxLabelUnits));
      const sizesBytes = 4 * texts.length;
      const capacity = texts.reduce((sum, text) => sum + 3 * text.length, sizesBytes);
      const start = this.#buffer(capacity);
      const { memory } = this.#loan;
      const { words } = memory;
      let at = start + sizesBytes;
      texts.forEach((text, i) => {
        const { written } = memory.putText(text, at, 3 * text.length);
        words[(start >>> 2) + i] = written;
        at += written;
      });
      return this.#exports.isotel_metrics_bind(this.#context, family, at - start, nowMs);
    });
  }

  /** Adds to a counter, sets a gauge, or observes a value in a histogram. Returns 0 or a negative error. */
  record(row: number, value: number): number {
    try {
      return this.#record(this.#context, row, value);
    } catch (cause) {
      return this.#trap(cause);
    }
  }

  /** Adds to a gauge. Returns 0 or a negative error. */
  add(row: number, value: number): number {
    try {
      return this.#exports.isotel_metrics_add(this.#context, row, value);
    } catch (cause) {
      return this.#trap(cause);
    }
  }

  /** Records a value with an exemplar, whose ids are 32 and 16 hexadecimal digits. Returns 0 or a negative error. */
  recordExemplar(row: number, value: number, traceId: string, spanId: string): number {
    try {
      const nowMs = this.#clock();
      const at = this.#buffer(exemplarBytes);
      const { bytes } = this.#loan.memory;
      putHex(bytes, at, traceId);
      putHex(bytes, at + traceIdBytes, spanId);
      const { isotel_metrics_record_exemplar } = this.#exports;
      return isotel_metrics_record_exemplar(this.#context, row, value, nowMs);
    } catch (cause) {
      return this.#trap(cause);
    }
  }

  /** Whether anything was recorded since the last flush. */
  get isDirty(): boolean {
    if (!this.isAlive) return false;
    try {
      this.#exports.isotel_metrics_status(this.#context);
      return this.#result(Abi.metricsDirty) === 1;
    } catch (cause) {
      this.#trap(cause);
      return false;
    }
  }

  /** Number of times that a label set went to the overflow series of its family. */
  get labelSetsOverflowed(): number {
    this.#readStatus();
    return this.#overflowed;
  }

  /** Number of built-in families that were declared first and then gave way to families of the Worker. */
  get replacedFamilies(): number {
    this.#readStatus();
    return this.#replaced;
  }

  /** Number of values that the core refused. */
  get invalidValues(): number {
    this.#readStatus();
    return this.#invalid;
  }

  /**
   * Moves all changes since the last flush into frames and returns the frames. Each frame is returned only once.
   *
   * @param refreshGauges whether to include gauges that have not changed.
   */
  flush(refreshGauges: boolean): Uint8Array<ArrayBuffer>[] {
    const frames: Uint8Array<ArrayBuffer>[] = [];
    this.#call(() => {
      this.#exports.isotel_metrics_flush(this.#context, this.#clock(), refreshGauges ? 1 : 0);
      return this.#takeFrames(frames);
    });
    return frames;
  }

  #takeFrames(frames: Uint8Array<ArrayBuffer>[]): number {
    const { isotel_metrics_frame, isotel_metrics_commit } = this.#exports;
    for (;;) {
      const length = isotel_metrics_frame(this.#context, 0);
      if (length <= 0) return length;
      const at = this.#buffer(length);
      const bytes = this.#loan.memory.copy(at, length);
      const sequence = this.#result(0);
      frames.push(bytes);
      if (isotel_metrics_commit(this.#context, sequence) !== ErrorCode.ok) return 0;
    }
  }

  #readStatus(): void {
    if (!this.isAlive) return;
    this.#call(() => this.#keepStatus());
  }

  #keepStatus(): number {
    const count = this.#exports.isotel_metrics_status(this.#context);
    this.#overflowed = this.#result(Abi.metricsLabelSetsOverflowed);
    this.#invalid = this.#result(Abi.metricsInvalidValues);
    this.#replaced = this.#result(Abi.metricsReplaced);
    return count;
  }

  #put(bytes: Uint8Array): void {
    const at = this.#buffer(bytes.length);
    this.#loan.memory.bytes.set(bytes, at);
  }

  /** Returns the address of the text buffer. */
  #buffer(size: number): number {
    return this.#exports.isotel_buffer(this.#context, size) >>> 0;
  }

  /** Returns an additional result of the last call. */
  #result(index: number): number {
    const { memory, resultsAt } = this.#loan;
    return memory.doubles[resultsAt + index] as number;
  }

  #call(call: () => number): number {
    try {
      return call();
    } catch (cause) {
      return this.#trap(cause);
    }
  }

  #trap(cause: unknown): number {
    this.#trappedHere = true;
    this.#loan.trap(cause);
    return trapped;
  }

  /**
   * Saves the data of an instance that trapped. After a trap in another part of the core, the metrics are consistent.
   * After a trap in a call of this class they may not be, so nothing is flushed.
   */
  #end(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    const frames: Uint8Array<ArrayBuffer>[] = [];
    let isLoss = true;
    try {
      this.#keepStatus();
      if (!this.#trappedHere) {
        this.#exports.isotel_metrics_flush(this.#context, this.#clock(), 0);
        isLoss = false;
      }
      this.#takeFrames(frames);
    } catch {
      isLoss = true;
    }
    this.#exports = deadExports(this.#exports.memory, trapped);
    this.#record = this.#exports.isotel_metrics_record;
    this.#onEnd({ frames, isLoss });
  }
}

function putHex(bytes: Uint8Array, at: number, digits: string): void {
  for (let i = 0; i < digits.length; i += 2) {
    bytes[at + i / 2] = (hexDigit(digits, i) << 4) | hexDigit(digits, i + 1);
  }
}

/** Returns the value of a character that is known to be a hexadecimal digit of either case. */
function hexDigit(digits: string, at: number): number {
  const code = digits.charCodeAt(at);
  return (code & 0xf) + 9 * (code >> 6);
}
