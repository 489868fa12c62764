import { cleanAttribute, type KeptParameters, maskSecrets } from "../../base/address.ts";
import { StatusCode } from "../../otlp/core/model.ts";
import type { CollectedSpan } from "./collected_span.ts";
import type { CollectorCounts } from "./counts.ts";
import { limits } from "./counts.ts";
import type { Redact } from "./redaction.ts";

type Attribute = TailStream.Attribute;

const unitsOfNumber = 8;
/** Limits for sharing a list of keys: their number, and the UTF-16 units of the attributes. */
const maxSharedKeys = 32;
const maxSharedUnits = 8_192;

const noKeys: readonly string[] = [];

/** Size of the attributes of all spans that have not been passed on. */
interface Held {
  units: number;
}

/** Reads attributes of events into spans. Removes secrets from URLs, calls `redact`, and applies the limits. */
export class AttributeReader {
  readonly #kept: KeptParameters;
  readonly #redact: Redact | undefined;
  readonly #counts: CollectorCounts;
  readonly held: Held = { units: 0 };
  /**
   * Lists of keys by their length. Spans of one kind have equal keys and share one list, so that the strings of each
   * event can be freed before the span is sent.
   */
  readonly #sharedKeys: (readonly string[] | undefined)[] = [];

  constructor(redact: Redact | undefined, counts: CollectorCounts, kept?: KeptParameters) {
    this.#kept = kept;
    this.#redact = redact;
    this.#counts = counts;
  }

  read(span: CollectedSpan, list: readonly Attribute[]): void {
    const { values } = span.attributes;
    const { length } = list;
    const shared = values.length === 0 ? (this.#sharedKeys[length] ?? noKeys) : noKeys;
    // The span's own list, as soon as its keys differ from the shared ones.
    let keys = values.length === 0 ? undefined : span.ownKeys();
    const before = span.units;
    let { units } = span;
    let dropped = 0;
    for (let i = 0; i < length; i += 1) {
      const { name, value } = list[i] as Attribute;
      let read: unknown = value;
      let size = name.length;
      switch (typeof value) {
        case "string":
          read = cleanAttribute(name, value, this.#kept);
          if (read === undefined) continue;
          if (this.#redact !== undefined) {
            read = this.#redact(name, read as string, span);
            if (read === undefined) continue;
          }
          size += (read as string).length;
          break;
        case "number":
        case "boolean":
          size += unitsOfNumber;
          break;
        case "bigint":
          read = exact(value);
          size += unitsOfNumber;
          break;
        case "object":
          read = this.#list(name, value as readonly unknown[], span);
          if (read === undefined) continue;
          size += sizeOf(read as readonly unknown[]);
          break;
        default:
          continue;
      }
      if (
        units + size > limits.attributeUnitsPerSpan ||
        values.length >= limits.attributesPerSpan ||
        this.held.units + units - before + size > limits.heldUnits
      ) {
        dropped += 1;
        continue;
      }
      // Compares the length first, so that most names are not compared at all.
      switch (name.length) {
        case 10:
          if (name === "error.type") span.errorType = String(read);
          break;
        case 16:
          if (name === "otel.status_code" && isStatus(read)) {
            span.setStatus(read === "OK" ? StatusCode.ok : StatusCode.error, "");
            continue;
          }
          break;
        case 21:
          if (name === "gen_ai.operation.name") span.operation = String(read);
          break;
        case 29:
          if (name === "otel.dropped_attributes_count" && typeof read === "number") {
            span.droppedAttributesCount += read;
            continue;
          }
          break;
      }
      units += size;
      if (keys !== undefined) keys.push(name);
      else if (shared[values.length] !== name) {
        keys = shared.slice(0, values.length);
        keys.push(name);
      }
      values.push(read);
    }
    if (keys === undefined || span.attributes.keys !== keys) {
      span.attributes.keys = this.#share(keys ?? shared, values.length, units);
    }
    span.units = units;
    this.held.units += units - before;
    if (dropped === 0) return;
    span.droppedAttributesCount += dropped;
    this.#counts.attributes_dropped += dropped;
  }

  /** Shares the first `count` keys of a span with later spans. */
  #share(keys: readonly string[], count: number, units: number): readonly string[] {
    const all = keys.length === count ? keys : keys.slice(0, count);
    if (count <= maxSharedKeys && units <= maxSharedUnits) this.#sharedKeys[count] = all;
    return all;
  }

  /**
   * Returns a text that is not an attribute, without secrets in URLs and after `redact`. Undefined if it must not be
   * exported.
   */
  text(key: string, value: unknown, span: CollectedSpan): string | undefined {
    if (typeof value !== "string") return undefined;
    const clean = maskSecrets(value);
    const redacted = this.#redact === undefined ? clean : this.#redact(key, clean, span);
    return redacted !== undefined && redacted.length > limits.textUnits
      ? redacted.slice(0, limits.textUnits)
      : redacted;
  }

  /** Notes that a span was passed on. */
  release(span: CollectedSpan): void {
    this.held.units -= span.units;
  }

  #list(key: string, value: readonly unknown[] | null, span: CollectedSpan): unknown {
    if (!Array.isArray(value)) return undefined;
    const list: unknown[] = [];
    for (const item of value as readonly unknown[]) {
      if (typeof item === "bigint") list.push(exact(item));
      else if (typeof item !== "string") list.push(item);
      else {
        const clean = cleanAttribute(key, item, this.#kept);
        if (clean === undefined) continue;
        const redacted = this.#redact === undefined ? clean : this.#redact(key, clean, span);
        if (redacted !== undefined) list.push(redacted);
      }
    }
    return list;
  }
}

/** Returns an integer as a number if that is exact. Encoding a number is far cheaper. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function isStatus(value: unknown): boolean {
  return value === "OK" || value === "ERROR";
}

function sizeOf(list: readonly unknown[]): number {
  let size = 0;
  for (const item of list) size += typeof item === "string" ? item.length : unitsOfNumber;
  return size;
}
