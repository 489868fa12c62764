import { maskAddress, maskSecrets } from "../../base/address.ts";
import { cutToBytes, utf8Length } from "../../base/bytes.ts";
import { describeBinary, describeSerialized, withoutMedia } from "./media.ts";

/** Bytes that a container reserves for its end and for the mark of omitted items. */
const markBytes = 48;
const maxDepth = 32;

/** Returns the text to write for a text. Undefined leaves it out. */
export type TextFilter = (text: string) => string | undefined;

/** A text whose end is not known. It is written with the mark of a cut text. */
export class CutText {
  readonly text: string;
  /** The size of the missing end in UTF-8 bytes. */
  readonly omittedBytes: number;

  constructor(text: string, omittedBytes: number) {
    this.text = text;
    this.omittedBytes = omittedBytes;
  }
}

/**
 * Returns a value as JSON of at most `maxBytes` UTF-8 bytes, in time linear in the size of the output.
 *
 * Values that do not fit are left out and marked:
 *
 * - A text ends with `…(120 bytes more)`.
 * - A list ends with an item, and an object with an entry, that has the number of omitted ones.
 * - Binary data is described, never written.
 * - A cycle, and anything deeper than 32 levels, becomes the text `…`.
 * - An entry whose getter throws is left out.
 *
 * Secrets are masked in a text that is a URL as a whole, also in the text of a URL object. URLs inside other texts stay
 * unchanged.
 *
 * @param maxBytes At least 64.
 * @param structuralKeys Keys of `value` whose texts describe structure. `filter` is not called for them.
 * @returns Undefined for a value without a JSON form: undefined, a function or a symbol.
 */
export function boundedJson(
  value: unknown,
  maxBytes: number,
  filter?: TextFilter,
  structuralKeys?: ReadonlySet<string>,
): string | undefined {
  if (!isWritable(value)) return undefined;
  const writer = new BoundedWriter(maxBytes, filter, structuralKeys);
  writer.write(value, 0);
  return writer.json;
}

class BoundedWriter {
  json = "";
  #left: number;
  readonly #filter: TextFilter | undefined;
  readonly #structuralKeys: ReadonlySet<string> | undefined;
  readonly #path: object[] = [];

  constructor(
    maxBytes: number,
    filter: TextFilter | undefined,
    structuralKeys: ReadonlySet<string> | undefined,
  ) {
    this.#left = maxBytes;
    this.#filter = filter;
    this.#structuralKeys = structuralKeys;
  }

  write(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        this.#writeText(value);
        return;
      case "number":
        this.#put(Number.isFinite(value) ? String(value) : "null");
        return;
      case "boolean":
        this.#put(String(value));
        return;
      case "bigint":
        this.#writeText(String(value));
        return;
      case "object":
        this.#writeObject(value, depth);
        return;
      default:
        this.#put("null");
    }
  }

  #writeObject(value: object | null, depth: number): void {
    if (value === null) {
      this.#put("null");
      return;
    }
    if (value instanceof CutText) {
      this.#writeText(value.text, value.omittedBytes);
      return;
    }
    const described = describeBinary(value);
    if (described !== undefined) {
      this.#writeText(described);
      return;
    }
    if (depth >= maxDepth || this.#path.includes(value)) {
      this.#put('"…"', 5);
      return;
    }
    const plain = unwrapped(value);
    if (typeof plain !== "object" || plain === null) {
      this.write(plain, depth + 1);
      return;
    }
    this.#path.push(value);
    if (Array.isArray(plain)) this.#writeList(plain, depth);
    else this.#writeEntries(plain, depth);
    this.#path.pop();
  }

  #writeList(list: readonly unknown[], depth: number): void {
    this.#put("[");
    this.#left -= markBytes;
    for (let i = 0; i < list.length; i += 1) {
      if (this.#left < markBytes) {
        this.#putMark(`${i > 0 ? "," : ""}"…(${list.length - i} items more)"`);
        break;
      }
      if (i > 0) this.#put(",");
      this.write(list[i], depth + 1);
    }
    this.#left += markBytes;
    this.#put("]");
  }

  #writeEntries(source: object, depth: number): void {
    const keys = Object.keys(source);
    const described = describeSerialized(source, keys);
    if (described !== undefined) {
      this.#writeText(described);
      return;
    }
    this.#put("{");
    this.#left -= markBytes;
    let isFirst = true;
    for (let i = 0; i < keys.length; i += 1) {
      const key = keys[i] as string;
      const value = read(source, key);
      if (!isWritable(value)) continue;
      const name = JSON.stringify(key);
      const nameBytes = utf8Length(name) + 2;
      if (this.#left < nameBytes + markBytes) {
        this.#putMark(`${isFirst ? "" : ","}"…":"${keys.length - i} entries more"`);
        break;
      }
      this.#put(`${isFirst ? "" : ","}${name}:`, nameBytes);
      isFirst = false;
      const isStructural = depth === 0 && this.#structuralKeys?.has(key) === true;
      if (isStructural && typeof value === "string") this.#writeShown(value);
      else this.write(value, depth + 1);
    }
    this.#left += markBytes;
    this.#put("}");
  }

  #writeText(text: string, omittedBytes = 0): void {
    const clean = maskAddress(text);
    const kept = this.#filter === undefined ? clean : this.#filter(clean);
    if (kept === undefined) {
      this.#put("null");
      return;
    }
    this.#writeShown(withoutMedia(kept), omittedBytes);
  }

  #writeShown(shown: string, omittedBytes = 0): void {
    if (omittedBytes === 0 && shown.length <= this.#left) {
      const whole = JSON.stringify(shown);
      const bytes = utf8Length(whole);
      if (bytes <= this.#left) {
        this.#put(whole, bytes);
        return;
      }
    }
    this.#writeCut(shown, omittedBytes);
  }

  #writeCut(text: string, omittedBytes: number): void {
    const bytes = utf8Length(text) + omittedBytes;
    let room = Math.max(this.#left - markBytes, 0);
    // An escape may be several times as long as its character.
    for (;;) {
      const head = cutToBytes(text, room);
      const cut = JSON.stringify(`${head}…(${bytes - utf8Length(head)} bytes more)`);
      const size = utf8Length(cut);
      if (size <= this.#left || room === 0) {
        this.#put(cut, size);
        return;
      }
      room = Math.floor(room / 2);
    }
  }

  #put(json: string, bytes: number = json.length): void {
    this.json += json;
    this.#left -= bytes;
  }

  /** Writes into the reserved bytes. */
  #putMark(json: string): void {
    this.json += json;
  }
}

function isWritable(value: unknown): boolean {
  const type = typeof value;
  return type !== "undefined" && type !== "function" && type !== "symbol";
}

function read(source: object, key: string): unknown {
  try {
    return (source as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** Returns the result of `toJSON`, as for a Date or a URL. Returns name and message of an Error. */
function unwrapped(value: object): unknown {
  try {
    if (value instanceof Error) {
      const { name, message } = value as { name: string; message: unknown };
      return { name, message: typeof message === "string" ? maskSecrets(message) : message };
    }
    if (value instanceof Map) return Object.fromEntries(value);
    if (value instanceof Set) return [...value];
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === "function" ? (toJSON.call(value) as unknown) : value;
  } catch {
    return "…";
  }
}
