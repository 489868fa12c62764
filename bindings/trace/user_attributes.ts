import { cutToBytes, utf8Length } from "../base/bytes.ts";
import { Abi } from "../core/abi.gen.ts";
import type { AttributeReceiver, AttributeValue, Core } from "../core/core.ts";
import type { SpanWriter } from "./span_runtime.ts";

/** Bytes that the Workers runtime charges for a number or a boolean. */
const scalarBytes = 8;
const maxBytesPerUnit = 3;
/** Results of {@link sizeOf} for values that are not written. */
const invalidValue = -1;
const absentValue = -2;

/** Replaces the text of an attribute. Undefined drops the attribute. Must not throw. */
export type Redact = (key: string, value: string) => string | undefined;

/**
 * Writes the user's attributes of a span. As long as attributes certainly fit, it writes them at once and reports them
 * to the core with the next call. Otherwise the core decides about each attribute.
 *
 * Values that a span cannot carry are dropped and counted: bigint, symbol, function, object, NaN and infinite numbers.
 */
export abstract class AttributeWriter implements AttributeReceiver {
  protected readonly core: Core;
  protected readonly handle: number;
  protected readonly writer: SpanWriter;
  protected invalid = 0;
  protected isOpen = true;
  /** The quota as of the last report to the core, and the rest of it. */
  #countAllowed: number;
  #bytesAllowed: number;
  #countLeft: number;
  #bytesLeft: number;

  /** @param isFresh whether the core has written no attributes to the span, so that the full quota is available. */
  constructor(core: Core, handle: number, writer: SpanWriter, isFresh: boolean) {
    this.core = core;
    this.handle = handle;
    this.writer = writer;
    this.#countAllowed = isFresh ? Abi.maxUserAttributes : 0;
    this.#bytesAllowed = isFresh ? Abi.startBytes : 0;
    this.#countLeft = this.#countAllowed;
    this.#bytesLeft = this.#bytesAllowed;
  }

  /** Number of attributes that have not been reported to the core. */
  protected get written(): number {
    return this.#countAllowed - this.#countLeft;
  }

  /** An upper bound of the bytes of these attributes. */
  protected get writtenBytes(): number {
    return this.#bytesAllowed - this.#bytesLeft;
  }

  abstract write(key: string, value: AttributeValue, uncut?: AttributeValue): void;

  abstract writeUntruncated(key: string, value: AttributeValue): void;

  /** Replaces each text before it is written. Undefined drops the attribute. */
  protected abstract readonly redact: Redact | undefined;

  /** Writes attributes. Throws if a getter of the caller's object or {@link write} throws. */
  protected writeAll(attributes: Readonly<Record<string, unknown>>): void {
    const plain = isPlain(attributes) ? attributes : { ...attributes };
    const own = this.redact === undefined ? plain : this.#redacted(plain, this.redact);
    const { writer } = this;
    let unfitted: [string, unknown][] | undefined;
    // A read of the current for-in key is fast: V8 takes its position from the object's shape.
    for (const key in own) {
      // Getters run here. They may set attributes of this span or end it. No other user code runs in this loop.
      const raw = own[key];
      const value = typeof raw === "object" && raw !== null ? snapshotOf(raw) : raw;
      if (!this.isOpen) {
        this.noteLateWrite();
        return;
      }
      if (unfitted !== undefined) {
        unfitted.push([key, value]);
        continue;
      }
      const size = typeof value === "string" ? maxBytesPerUnit * value.length : sizeOf(value);
      if (size < 0) {
        if (size === invalidValue) this.invalid += 1;
        continue;
      }
      const bytes = maxBytesPerUnit * key.length + size;
      if (this.#countLeft <= 0 || bytes > this.#bytesLeft || size > Abi.maxValueBytes) {
        unfitted = [[key, value]];
        continue;
      }
      this.#countLeft -= 1;
      this.#bytesLeft -= bytes;
      if (typeof value === "object") this.write(key, value as AttributeValue);
      else writer.setAttribute(key, value as AttributeValue);
    }
    if (unfitted !== undefined) this.#writeFitted(unfitted);
  }

  /** Makes the core count a write to a span that has ended. */
  protected noteLateWrite(): void {
    this.core.reserveAttributes(this.handle, 0, 0, 0);
  }

  /** Reports the written attributes to the core. Required before the core plans attributes. */
  protected settle(): void {
    const { core, handle, written, writtenBytes, invalid } = this;
    const left = core.reserveAttributes(handle, written, writtenBytes, invalid);
    this.#countAllowed = Math.max(left, 0);
    this.#bytesAllowed = left < 0 ? 0 : core.reservedBytesLeft;
    this.#countLeft = this.#countAllowed;
    this.#bytesLeft = this.#bytesAllowed;
    this.invalid = 0;
  }

  #redacted(
    attributes: Readonly<Record<string, unknown>>,
    redact: Redact,
  ): Readonly<Record<string, unknown>> {
    const entries = Object.entries(attributes).map(([key, value]) => [
      key,
      typeof value === "string"
        ? redact(key, value)
        : Array.isArray(value)
          ? redactedList(key, value, redact)
          : value,
    ]);
    return Object.fromEntries(entries) as Record<string, unknown>;
  }

  /** Writes attributes as the core decides about each of them. */
  #writeFitted(rest: readonly (readonly [string, unknown])[]): void {
    const entries = rest.filter(([, value]) => sizeOf(value) >= 0) as [string, AttributeValue][];
    const invalid = rest.filter(([, value]) => sizeOf(value) === invalidValue).length;
    const sizes = entries.map(([key, value]) => ({
      keyBytes: utf8Length(key),
      valueBytes: exactSize(value),
      cuttable: typeof value === "string",
    }));
    this.settle();
    const decisions = this.core.fitAttributes(this.handle, sizes, invalid);
    decisions.forEach((keep, index) => {
      const [key, value] = entries[index] as [string, AttributeValue];
      if (keep === Abi.keepAll) this.write(key, value);
      else if (keep > 0) this.write(key, cutToBytes(value as string, keep), value);
      else this.writeUntruncated(key, value);
    });
    this.settle();
  }
}

/** Returns the list without the texts that are dropped, or undefined if nothing is left of it. */
function redactedList(key: string, list: readonly unknown[], redact: Redact): unknown {
  const kept = list.map((item) =>
    typeof item === "string" ? (redact(key, item) ?? dropped) : item,
  );
  const rest = kept.filter((item) => item !== dropped);
  return rest.length === 0 && list.length > 0 ? undefined : rest;
}

const dropped = Symbol("dropped");

// Inherited enumerable properties are not attributes.
function isPlain(attributes: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(attributes);
  return prototype === Object.prototype || prototype === null;
}

/** Returns a copy of a list. A user's list may return other items at the next read. */
function snapshotOf(value: object): unknown {
  if (!Array.isArray(value)) return value;
  const items: unknown[] = [];
  for (let i = 0; i < value.length; i += 1) items.push(value[i]);
  return items;
}

/** Returns an upper bound of the bytes of a value, or {@link absentValue} or {@link invalidValue}. */
function sizeOf(value: unknown): number {
  switch (typeof value) {
    case "string":
      return maxBytesPerUnit * value.length;
    case "number":
      return Number.isFinite(value) ? scalarBytes : invalidValue;
    case "boolean":
      return scalarBytes;
    case "undefined":
      return absentValue;
    default:
      return Array.isArray(value) ? sizeOfList(value) : invalidValue;
  }
}

function sizeOfList(list: readonly unknown[]): number {
  let bytes = 2;
  for (const item of list) {
    if (typeof item !== typeof list[0] || Array.isArray(item)) return invalidValue;
    const size = sizeOf(item);
    if (size < 0) return invalidValue;
    // In JSON a UTF-16 unit takes up to 6 bytes (\u0000), an item adds quotes and a comma, and a number has up to 24
    // digits.
    bytes += 2 * size + maxBytesPerUnit + 24;
  }
  return bytes;
}

function exactSize(value: unknown): number {
  if (typeof value === "string") return utf8Length(value);
  return Array.isArray(value) ? utf8Length(JSON.stringify(value)) : scalarBytes;
}
