import { cleanAttribute, type KeptParameters, maskSecrets } from "../../base/address.ts";
import { StatusCode } from "../../otlp/core/model.ts";
import type { CollectedSpan } from "./collected_span.ts";
import type { CollectorCounts } from "./counts.ts";
import { limits } from "./counts.ts";
import type { Redact } from "./redaction.ts";

type Attribute = TailStream.Attribute;

const unitsOfNumber = 8;
/** Longer lists of keys, and those of longer texts, are not kept for other spans. */
const maxSharedKeys = 32;
const maxSharedUnits = 8_192;

const noKeys: readonly string[] = [];

/** Attributes of all spans that have not been handed over. */
interface Held {
  units: number;
}

/** Reads attributes of events into spans: each text without secrets of addresses, after `redact`, within the limits. */
export class AttributeReader {
  readonly #kept: KeptParameters;
  readonly #redact: Redact | undefined;
  readonly #counts: CollectorCounts;
  readonly held: Held = { units: 0 };
  /**
   * Keys of spans that were read, by their number. Spans of one kind have the same ones: they share one list, and the
   * texts each event brings for them are not kept until the span is sent.
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
    // Of a span's own, once they are found to differ from those.
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
      // What tells of the span itself is known by its length first: most are compared with nothing.
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

  /** Keeps the first `count` keys of a span for those that follow. */
  #share(keys: readonly string[], count: number, units: number): readonly string[] {
    const all = keys.length === count ? keys : keys.slice(0, count);
    if (count <= maxSharedKeys && units <= maxSharedUnits) this.#sharedKeys[count] = all;
    return all;
  }

  /** A text that is no attribute, without secrets of addresses and after `redact`; undefined where it may not leave. */
  text(key: string, value: unknown, span: CollectedSpan): string | undefined {
    if (typeof value !== "string") return undefined;
    const clean = maskSecrets(value);
    const redacted = this.#redact === undefined ? clean : this.#redact(key, clean, span);
    return redacted !== undefined && redacted.length > limits.textUnits
      ? redacted.slice(0, limits.textUnits)
      : redacted;
  }

  /** Notes that a span was handed over. */
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

/** An integer as a number where that is exact, which is far cheaper to encode. */
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
