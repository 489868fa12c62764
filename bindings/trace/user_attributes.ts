import { cutToBytes, utf8Length } from "../base/bytes.ts";
import { Abi } from "../core/abi.gen.ts";
import type { AttributeReceiver, AttributeValue, Core } from "../core/core.ts";
import type { SpanWriter } from "./span_runtime.ts";

/** Size of a value that is neither text nor list, as the Workers runtime charges it. */
const scalarBytes = 8;
const maxBytesPerUnit = 3;
/** Answers of {@link sizeOf} for what is not written. */
const invalidValue = -1;
const absentValue = -2;

/** Replaces a text of an attribute; undefined drops it. Never throws. */
export type Redact = (key: string, value: string) => string | undefined;

/**
 * The part of a span that writes the user's own attributes. They are written at once while they are certain to fit, and
 * the core is told of them with the next call it needs anyway; when they may not fit, it decides about each.
 *
 * Values that no span can carry (bigint, symbol, function, object, a number that is not finite) are dropped and
 * counted.
 */
export abstract class AttributeWriter implements AttributeReceiver {
  protected readonly core: Core;
  protected readonly handle: number;
  protected readonly writer: SpanWriter;
  protected invalid = 0;
  protected isOpen = true;
  /** The allowance as it was when the core was last told, and what is left of it. */
  #countAllowed: number;
  #bytesAllowed: number;
  #countLeft: number;
  #bytesLeft: number;

  /** @param isFresh the span has no attributes of the core's: its whole allowance is there. */
  constructor(core: Core, handle: number, writer: SpanWriter, isFresh: boolean) {
    this.core = core;
    this.handle = handle;
    this.writer = writer;
    this.#countAllowed = isFresh ? Abi.maxUserAttributes : 0;
    this.#bytesAllowed = isFresh ? Abi.startBytes : 0;
    this.#countLeft = this.#countAllowed;
    this.#bytesLeft = this.#bytesAllowed;
  }

  /** Attributes that the core has not been told of yet. */
  protected get written(): number {
    return this.#countAllowed - this.#countLeft;
  }

  /** An upper bound of their bytes. */
  protected get writtenBytes(): number {
    return this.#bytesAllowed - this.#bytesLeft;
  }

  abstract write(key: string, value: AttributeValue, whole?: AttributeValue): void;

  abstract writeUntruncated(key: string, value: AttributeValue): void;

  /** Changes every text before it is written; undefined drops it. */
  protected abstract readonly redact: Redact | undefined;

  /** Writes attributes. Throws what a getter of the caller's or {@link write} throws. */
  protected writeAll(attributes: Readonly<Record<string, unknown>>): void {
    const plain = isPlain(attributes) ? attributes : { ...attributes };
    const own = this.redact === undefined ? plain : this.#redacted(plain, this.redact);
    const { writer } = this;
    let unfitted: [string, unknown][] | undefined;
    // for-in with the key just read is the one way to walk an object that V8 serves from its shape.
    for (const key in own) {
      // Getters run here, and may set attributes of this very span or end it. No other user code runs in this loop.
      const given = own[key];
      const value = typeof given === "object" && given !== null ? snapshotOf(given) : given;
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

  /** Has the core count a write to a span that has ended. */
  protected noteLateWrite(): void {
    this.core.chargeAttributes(this.handle, 0, 0, 0);
  }

  /** Tells the core what has been written, as it must know before it plans attributes of its own. */
  protected settle(): void {
    const { core, handle, written, writtenBytes, invalid } = this;
    const left = core.chargeAttributes(handle, written, writtenBytes, invalid);
    this.#countAllowed = Math.max(left, 0);
    this.#bytesAllowed = left < 0 ? 0 : core.chargedBytesLeft;
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
          ? value.map((item: unknown) => (typeof item === "string" ? redact(key, item) : item))
          : value,
    ]);
    return Object.fromEntries(entries) as Record<string, unknown>;
  }

  /** Goes on with what the core decides about each value. */
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

// Inherited enumerable properties are no attributes.
function isPlain(attributes: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(attributes);
  return prototype === Object.prototype || prototype === null;
}

/** A list with the items it has now: a list of the caller's may give others each time it is read. */
function snapshotOf(value: object): unknown {
  if (!Array.isArray(value)) return value;
  const items: unknown[] = [];
  for (let i = 0; i < value.length; i += 1) items.push(value[i]);
  return items;
}

/** An upper bound of the bytes of a value, {@link absentValue} or {@link invalidValue}. */
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
    // As JSON text a unit may take six bytes (\u0000), an item its quotes and a comma, a number 24 digits.
    bytes += 2 * size + maxBytesPerUnit + 24;
  }
  return bytes;
}

function exactSize(value: unknown): number {
  if (typeof value === "string") return utf8Length(value);
  return Array.isArray(value) ? utf8Length(JSON.stringify(value)) : scalarBytes;
}
