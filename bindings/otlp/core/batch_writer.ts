import { OtlpAbi } from "./abi.gen.ts";
import type { AttributeList } from "./model.ts";

/** A position in the output of a {@link BatchWriter}. */
export interface Position {
  readonly wordCount: number;
  readonly numberCount: number;
  readonly text: string;
  readonly rawCount: number;
  readonly rawBytes: number;
}

const kindBits = 4;
/** A placeholder for a key that will get a new number. Differs from every key. */
const forgottenKey = Symbol("forgotten") as unknown as string;
/** A placeholder for an unknown last text. Differs from every text. */
const unknownText = Symbol("unknown") as unknown as string;
/** Larger bigints become empty values. The time to convert one to decimal grows with the square of its length. */
const maxBigintBits = 4096;
const loneSurrogates = /\p{Surrogate}/gu;

/**
 * Writes a request in the form that the OTLP module reads. Numbers and words are typed arrays. All texts are joined, so
 * that they are encoded once. Each key is written once and referred to by a number. The module reads the output from
 * front to back in the order of the calls.
 */
export class BatchWriter {
  /** The output so far; see docs/otlp-encoding.md. */
  words: Uint32Array = new Uint32Array(1024);
  wordCount = 0;
  numbers: Float64Array = new Float64Array(256);
  numberCount = 0;
  text = "";
  readonly raw: Uint8Array[] = [];
  rawBytes = 0;
  readonly keySizes: number[] = [];
  keyText = "";
  /** Whether to repair each text before it is joined. Otherwise two lone surrogates could form a character. */
  repairsTexts = false;
  readonly #keyIds = new Map<string, number>();
  readonly #keys: string[] = [];
  /** For each key: the key that followed it last time. Spans of one kind have their keys in the same order. */
  readonly #next: number[] = [];
  /** For each key: the last attribute list that contained it. Kept only for lists with a new order of keys. */
  readonly #seenIn: number[] = [];
  /** For each key: its last text value. Many keys have the same text in all spans. */
  readonly #lastTexts: string[] = [];
  #first = 0;
  #list = 0;

  clear(): void {
    this.wordCount = 0;
    this.numberCount = 0;
    this.text = "";
    this.raw.length = 0;
    this.rawBytes = 0;
    this.keySizes.length = 0;
    this.keyText = "";
    this.#keyIds.clear();
    this.#keys.length = 0;
    this.#next.length = 0;
    this.#seenIn.length = 0;
    this.#lastTexts.length = 0;
    this.#first = 0;
  }

  /** Makes room for more words and numbers. */
  reserve(words: number, numbers: number): void {
    if (this.wordCount + words > this.words.length) {
      this.words = grown(this.words, new Uint32Array(2 * (this.wordCount + words)));
    }
    if (this.numberCount + numbers > this.numbers.length) {
      this.numbers = grown(this.numbers, new Float64Array(2 * (this.numberCount + numbers)));
    }
  }

  /** Returns the current position, for {@link rewind}. */
  position(): Position {
    const { wordCount, numberCount, text, rawBytes } = this;
    return { wordCount, numberCount, text, rawCount: this.raw.length, rawBytes };
  }

  /** Removes the output after `position`, except keys. */
  rewind({ wordCount, numberCount, text, rawCount, rawBytes }: Position): void {
    this.wordCount = wordCount;
    this.numberCount = numberCount;
    this.text = text;
    this.raw.length = rawCount;
    this.rawBytes = rawBytes;
  }

  /** Writes a word. Call {@link reserve} before. */
  word(value: number): void {
    this.words[this.wordCount++] = value;
  }

  /** Writes a number. Call {@link reserve} before. */
  number(value: number): void {
    this.numbers[this.numberCount++] = value;
  }

  /** Writes a text. The number of its UTF-16 units must be written elsewhere. */
  chars(text: string): void {
    this.text += this.repairsTexts ? text.replace(loneSurrogates, "\ufffd") : text;
  }

  /** Returns the number of a key, shifted to its position in the first word of a value. */
  keyBits(key: string): number {
    return this.#keyId(key) << kindBits;
  }

  /** Writes attributes. The last value of a duplicate key counts. */
  attributes(list: AttributeList): void {
    const { keys, values } = list;
    const count = keys.length;
    this.reserve(1 + 3 * count, count);
    const { numberCount: startNumbers, text: startText, rawBytes: startRawBytes } = this;
    const startRawCount = this.raw.length;
    const countAt = this.wordCount++;
    const keyTexts = this.#keys;
    const next = this.#next;
    const seenIn = this.#seenIn;
    const lastTexts = this.#lastTexts;
    const mark = ++this.#list;
    let { words, numbers, wordCount, numberCount, text } = this;
    const { repairsTexts } = this;
    let written = 0;
    let before = -1;
    let guess = this.#first;
    let isMarked = false;
    for (let i = 0; i < count; i += 1) {
      const key = keys[i] as string;
      const value = values[i];
      let id = guess;
      if (keyTexts[id] !== key) {
        id = before < 0 ? 0 : (next[before] as number);
        if (keyTexts[id] !== key) {
          id = this.#keyId(key);
          if (before < 0) this.#first = id;
          else next[before] = id;
        }
        // Ascending numbers cannot contain a duplicate.
        if (id <= before && !isMarked) {
          this.#markSeen(keys, i);
          isMarked = true;
        }
      }
      // Keys are numbered in the order of the first list that contained them.
      guess = id + 1;
      if (isMarked && seenIn[id] === mark) {
        this.rewind({
          wordCount: countAt,
          numberCount: startNumbers,
          text: startText,
          rawCount: startRawCount,
          rawBytes: startRawBytes,
        });
        this.#forgetKeys();
        this.attributes(lastValues(list));
        return;
      }
      if (isMarked) seenIn[id] = mark;
      before = id;
      const head = id << kindBits;
      // V8 compiles a chain of typeof comparisons to type checks. It does not do so for a switch over typeof.
      if (typeof value === "string") {
        if (value === lastTexts[id]) {
          words[wordCount++] = head | OtlpAbi.valueSameText;
        } else {
          lastTexts[id] = value;
          if (repairsTexts) text += value.replace(loneSurrogates, "\ufffd");
          else text += value;
          words[wordCount++] = head | OtlpAbi.valueText;
          words[wordCount++] = value.length;
        }
      } else if (typeof value === "number") {
        if ((value | 0) === value) {
          words[wordCount++] = head | OtlpAbi.valueInt32;
          words[wordCount++] = value;
        } else {
          numbers[numberCount++] = value;
          words[wordCount++] =
            head | (Number.isSafeInteger(value) ? OtlpAbi.valueInteger : OtlpAbi.valueDouble);
        }
      } else if (typeof value === "boolean") {
        words[wordCount++] = head | (value ? OtlpAbi.valueTrue : OtlpAbi.valueFalse);
      } else if (typeof value === "object" || typeof value === "bigint") {
        this.wordCount = wordCount;
        this.numberCount = numberCount;
        this.text = text;
        this.value(head, value);
        // The module reads a bigint of more than 64 bits as a text, which changes the last text of the key.
        if (typeof value === "bigint") lastTexts[id] = unknownText;
        this.reserve(3 * (count - i), count - i);
        ({ words, numbers, wordCount, numberCount, text } = this);
      } else {
        continue;
      }
      written += 1;
    }
    this.wordCount = wordCount;
    this.numberCount = numberCount;
    this.text = text;
    words[countAt] = written;
  }

  /**
   * Writes one value of any type.
   *
   * @param head The key as {@link keyBits} returns it.
   */
  value(head: number, value: unknown): void {
    this.reserve(3, 1);
    switch (typeof value) {
      case "string":
        this.word(head | OtlpAbi.valueText);
        this.word(value.length);
        this.chars(value);
        break;
      case "number":
        if ((value | 0) === value) {
          this.word(head | OtlpAbi.valueInt32);
          this.word(value);
        } else {
          const isInteger = Number.isSafeInteger(value);
          this.word(head | (isInteger ? OtlpAbi.valueInteger : OtlpAbi.valueDouble));
          this.number(value);
        }
        break;
      case "boolean":
        this.word(head | (value ? OtlpAbi.valueTrue : OtlpAbi.valueFalse));
        break;
      case "bigint":
        this.#bigint(head, value);
        break;
      case "object":
        if (value === null) this.word(head | OtlpAbi.valueEmpty);
        else writeContainer(this, head, value);
        break;
      default:
        this.word(head | OtlpAbi.valueEmpty);
    }
  }

  /** Writes bytes. They are read when the batch is encoded. */
  bytes(head: number, bytes: Uint8Array): void {
    this.word(head | OtlpAbi.valueBytes);
    this.word(bytes.length);
    this.raw.push(bytes);
    this.rawBytes += bytes.length;
  }

  #bigint(head: number, value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.word(head | OtlpAbi.valueInt64);
      this.word(Number(BigInt.asUintN(32, value)));
      this.word(Number(BigInt.asUintN(32, value >> 32n)));
      return;
    }
    if (BigInt.asIntN(maxBigintBits, value) !== value) {
      this.word(head | OtlpAbi.valueEmpty);
      return;
    }
    const digits = value.toString();
    this.word(head | OtlpAbi.valueText);
    this.word(digits.length);
    this.text += digits;
  }

  /** Marks the keys before `end` as seen in the current list. */
  #markSeen(keys: readonly string[], end: number): void {
    for (let i = 0; i < end; i += 1) {
      this.#seenIn[this.#keyIds.get(keys[i] as string) as number] = this.#list;
    }
  }

  /** Gives every key a new number. After a rewind the module does not see the last texts of the old numbers. */
  #forgetKeys(): void {
    this.#keyIds.clear();
    this.#keys.fill(forgottenKey);
  }

  #keyId(key: string): number {
    const known = this.#keyIds.get(key);
    if (known !== undefined) return known;
    const id = this.#keys.length;
    const text = this.repairsTexts ? key.replace(loneSurrogates, "\ufffd") : key;
    this.#keyIds.set(key, id);
    this.#keys.push(key);
    this.#next.push(0);
    this.#seenIn.push(0);
    // The module starts each key with an empty last text.
    this.#lastTexts.push("");
    this.keySizes.push(text.length);
    this.keyText += text;
    return id;
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Maximum number of values in all lists and objects inside one value. Further values are left out. */
const maxItems = 16_384;

/** Writes a list, an object or bytes. Writes an empty value if reading it throws. */
function writeContainer(writer: BatchWriter, head: number, value: object): void {
  const start = writer.position();
  try {
    new NestedValueWriter(writer).write(head, value, 0);
  } catch {
    // A getter threw, or the proxy was revoked.
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

  /** Writes a value inside `depth` lists or objects. */
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
      // The value is nested too deeply or contains itself.
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

/** Returns the list with each key once, at its first position and with its last valid value. */
function lastValues({ keys, values }: AttributeList): AttributeList {
  const last = new Map<string, unknown>();
  for (const [index, key] of keys.entries()) {
    if (isCarried(values[index])) last.set(key, values[index]);
  }
  return { keys: [...last.keys()], values: [...last.values()] };
}

/** Returns whether OTLP can carry a value. Null is carried as an empty value. */
function isCarried(value: unknown): boolean {
  return value !== undefined && typeof value !== "function" && typeof value !== "symbol";
}
