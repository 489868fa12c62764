import { OtlpAbi } from "./abi.gen.ts";
import type { BatchWriter } from "./batch_writer.ts";

/** Values of all lists and objects inside one value; what comes after them is left out. */
const maxItems = 16_384;

/** Writes a list, an object or bytes. What throws while it is read is an empty value. */
export function writeContainer(writer: BatchWriter, head: number, value: object): void {
  const start = writer.position();
  try {
    new NestedValueWriter(writer).write(head, value, 0);
  } catch {
    // A getter, or a proxy that was revoked.
    writer.rewind(start);
    writer.word(head | OtlpAbi.valueEmpty);
  }
}

class NestedValueWriter {
  readonly #writer: BatchWriter;
  #itemsLeft = maxItems;

  constructor(writer: BatchWriter) {
    this.#writer = writer;
  }

  /** Writes a value that stands in `depth` lists or objects. */
  write(head: number, value: unknown, depth: number): void {
    const writer = this.#writer;
    writer.reserve(3, 1);
    if (typeof value !== "object" || value === null) {
      writer.value(head, value);
    } else if (value instanceof Uint8Array) {
      writer.bytes(head, value);
    } else if (value instanceof ArrayBuffer) {
      writer.bytes(head, new Uint8Array(value));
    } else if (value instanceof Date) {
      const time = value.getTime();
      writer.value(head, Number.isNaN(time) ? null : value.toISOString());
    } else if (depth >= OtlpAbi.maxValueDepth) {
      // Deeper, or in a circle.
      writer.word(head | OtlpAbi.valueEmpty);
    } else if (isList(value)) {
      this.#list(head, value, depth + 1);
    } else {
      this.#map(head, value as Readonly<Record<string, unknown>>, depth + 1);
    }
  }

  #list(head: number, list: ArrayLike<unknown>, depth: number): void {
    const writer = this.#writer;
    const count = Math.min(list.length, this.#itemsLeft);
    this.#itemsLeft -= count;
    writer.word(head | OtlpAbi.valueList);
    writer.word(count);
    for (let i = 0; i < count; i += 1) this.write(0, list[i], depth);
  }

  #map(head: number, map: Readonly<Record<string, unknown>>, depth: number): void {
    const writer = this.#writer;
    writer.word(head | OtlpAbi.valueMap);
    const countAt = writer.wordCount;
    writer.word(0);
    let count = 0;
    for (const key of Object.keys(map)) {
      if (this.#itemsLeft === 0) break;
      this.#itemsLeft -= 1;
      count += 1;
      this.write(writer.keyBits(key), map[key], depth);
    }
    writer.words[countAt] = count;
  }
}

function isList(value: object): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
