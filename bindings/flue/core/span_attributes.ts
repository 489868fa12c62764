import { cutToBytes, utf8Length } from "../../base/bytes.ts";
import type { RuntimeCapabilities, SpanWriter } from "../../trace/span_runtime.ts";
import { FlueAbi } from "../abi.gen.ts";
import type { FlueAttributes, FlueAttributeValue } from "../events/attributes.ts";

/** The size of an attribute in bytes, as the Workers runtime counts it. */
export interface AttributeSize {
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly isText: boolean;
}

/**
 * Returns how much of each attribute to keep if not all of them fit: FlueAbi.keepAll, 0, or the number of bytes to
 * truncate to.
 */
export type Fit = (sizes: readonly AttributeSize[], availableBytes: number) => ArrayLike<number>;

const maxBytesPerUnit = 3;
/** Bytes that the runtime counts for a number or a boolean. */
const scalarBytes = 8;

/** Writes the attributes of one span within the byte budget, if the runtime has one. */
export class SpanAttributes {
  readonly #writer: SpanWriter;
  readonly #fit: Fit;
  readonly #takesLists: boolean;
  readonly #hasBudget: boolean;
  #used = 0;
  #dropped = 0;
  #cut = 0;

  constructor({ lists, byteBudget }: RuntimeCapabilities, writer: SpanWriter, fit: Fit) {
    this.#writer = writer;
    this.#fit = fit;
    this.#takesLists = lists;
    this.#hasBudget = writer.byteBudget ?? byteBudget;
  }

  /** Writes the start attributes. Leaves room for the usage at the end. */
  start(attributes: FlueAttributes): void {
    this.#write(attributes, FlueAbi.startBytes);
  }

  /** Writes the end attributes, and the numbers of dropped and truncated attributes. */
  end(attributes: FlueAttributes): void {
    this.#write(attributes, FlueAbi.spanBytes);
    if (this.#dropped > 0) {
      this.#writer.setAttribute("otel.dropped_attributes_count", this.#dropped);
    }
    if (this.#cut > 0) this.#writer.setAttribute("isotel.cut_attributes_count", this.#cut);
  }

  #write(attributes: FlueAttributes, limit: number): void {
    const writer = this.#writer;
    const bytes = this.#hasBudget ? sizeAtMost(attributes) : 0;
    if (this.#used + bytes > limit) {
      this.#writeFitted(attributes, limit);
      return;
    }
    this.#used += bytes;
    for (const key in attributes) {
      writer.setAttribute(key, this.#writable(attributes[key] as FlueAttributeValue));
    }
  }

  #writeFitted(attributes: FlueAttributes, limit: number): void {
    const entries = Object.entries(attributes);
    const sizes = entries.map(([key, value]) => ({
      keyBytes: utf8Length(key),
      valueBytes: bytesOf(value),
      isText: typeof value === "string",
    }));
    const keep = this.#fit(sizes, Math.max(limit - this.#used, 0));
    entries.forEach(([key, value], i) => {
      const { keyBytes, valueBytes } = sizes[i] as AttributeSize;
      const kept = keep[i] ?? 0;
      if (kept === 0) {
        this.#dropped += 1;
        this.#writer.setUntruncated?.(key, value);
        return;
      }
      const isWhole = kept === FlueAbi.keepAll;
      this.#used += keyBytes + (isWhole ? valueBytes : kept);
      if (isWhole) {
        this.#writer.setAttribute(key, this.#writable(value));
      } else {
        this.#cut += 1;
        this.#writer.setAttribute(key, cutToBytes(value as string, kept), value);
      }
    });
  }

  #writable(value: FlueAttributeValue): FlueAttributeValue {
    return typeof value === "object" && !this.#takesLists ? JSON.stringify(value) : value;
  }
}

/** Returns an upper bound of the bytes of attributes without measuring texts. */
function sizeAtMost(attributes: FlueAttributes): number {
  let bytes = 0;
  for (const key in attributes) {
    const value = attributes[key];
    bytes += maxBytesPerUnit * key.length;
    if (typeof value === "string") bytes += maxBytesPerUnit * value.length;
    else bytes += typeof value === "object" ? bytesOf(value) : scalarBytes;
  }
  return bytes;
}

function bytesOf(value: FlueAttributeValue): number {
  if (typeof value === "string") return utf8Length(value);
  return typeof value === "object" ? utf8Length(JSON.stringify(value)) : scalarBytes;
}
