import { cleanAddress } from "../../base/address.ts";
import { ownValue } from "../../base/values.ts";

/** Shorter runs are written even if they look like base64, because ids, hashes and tokens do too. */
const minBase64Length = 2048;
/** The shortest full line of wrapped base64. Lists of ids and hashes have shorter lines. */
const minLineLength = 60;
/** The fewest entries of an object that is taken for a typed array. Counts by hour or minute have fewer. */
const minElements = 64;
/** The longest head of a data URL: everything before its comma. */
const maxHeadLength = 128;
/** The longest part of a token that is searched for its header. */
const maxTokenHead = 1024;

/** Returns a description of binary data. Undefined for any other value. */
export function describeBinary(value: object): string | undefined {
  const bytes = binaryBytes(value);
  return bytes === undefined ? undefined : `(binary, ${bytes} bytes)`;
}

/**
 * Returns a description of binary data that was serialised as JSON: `{type: "Buffer", data: [...]}` or a typed array as
 * `{"0": 137, "1": 80, ...}`. Undefined for any other value.
 *
 * @param keys The own keys of the object.
 */
export function describeSerialized(source: object, keys: readonly string[]): string | undefined {
  const { length } = keys;
  if (length === 2 && keys[0] === "type" && ownValue(source, "type") === "Buffer") {
    const data = ownValue(source, "data");
    const isBuffer = Array.isArray(data) && data.slice(0, minElements).every(isByte);
    return isBuffer ? `(binary, ${data.length} bytes)` : undefined;
  }
  // Keys that are integers come first, in ascending order. If the last one is the highest, all others are there too.
  if (length < minElements || keys[0] !== "0" || keys[length - 1] !== `${length - 1}`) return;
  const probe = keys.slice(0, minElements).map((key) => ownValue(source, key));
  if (!probe.every((element) => typeof element === "number")) return undefined;
  return `(binary, ${length} ${probe.every(isByte) ? "bytes" : "numbers"})`;
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}

/**
 * Returns a text with a description in place of media: data URLs, long runs of base64, and binary data that was
 * serialised as JSON. The surrounding text stays. Hexadecimal text and JSON Web Tokens are not base64. Runs in linear
 * time.
 */
export function withoutMedia(text: string): string {
  return withoutSerialized(withoutBase64(withoutDataUrls(text)));
}

/** Classes of characters, as bits. */
const isData = 1;
const isHex = 2;
const isDigit = 4;
/** A base64 character that is not used for rules and underlines. */
const isSolid = 8;
const classes = new Uint8Array(128);
for (const [characters, bits] of [
  ["0123456789", isData | isHex | isDigit | isSolid],
  ["abcdefABCDEF", isData | isHex | isSolid],
  ["ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ/", isData | isSolid],
  ["+-_", isData],
] as const) {
  for (const character of characters) classes[character.charCodeAt(0)] = bits;
}

function classOf(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  // Reading beyond an array is slow.
  return unit < classes.length ? (classes[unit] as number) : 0;
}

const backslash = 92;
const slash = 47;

/** Whether there is an escaped slash, as some JSON has it. */
function isEscapedSlash(text: string, index: number): boolean {
  return text.charCodeAt(index) === backslash && text.charCodeAt(index + 1) === slash;
}

const lineBreak = /(?:\r?\n|\r|\\+r\\+n|\\+[nr])[ \t]*/y;
/** The end of the last line of base64. Text that continues in the same line is not base64. */
const lineEnd = /$|[\r\n"'`)\]}<>]|\\+[nr"']/y;
const padding = /=+|(?:%3D)+/iy;

/** A percent-encoded plus or slash. */
const escapedOctet = /%2[BF]/iy;
const dataUrlHead = /^data:(?:[\w.+-]+\\?\/[\w.+-]+(?:;[\w.+=-]+)*|(?:;[\w.+=-]+)*;base64)$/i;
/** The data of a URL that is not base64. */
const urlData = /[^\s"'`<>()[\]{}\\]*/y;

/** White space of JSON, also in JSON that is a text of other JSON. */
const space = String.raw`\s*(?:\\+[nrt]\s*)*`;
/** The start of a serialised Buffer, with its quotes, or of a typed array, with its quotes. */
const serializedHead = new RegExp(
  String.raw`\{${space}(?:(\\*")type\1${space}:${space}\1Buffer\1${space},${space}\1data\1${space}:${space}\[|(?=(\\*")0\2${space}:))`,
  "g",
);
const bufferData = /[\d,\s\\nrt]*/y;
const bufferEnd = new RegExp(String.raw`\]${space}\}|`, "y");
const element = new RegExp(
  String.raw`${space}\\*"(\d+)\\*"${space}:${space}(-?\d[\d.eE+-]*)${space},?`,
  "y",
);
const objectEnd = new RegExp(String.raw`${space}\}|`, "y");

/** Whether an expression matches at an index. */
function isAt(expression: RegExp, text: string, index: number): boolean {
  expression.lastIndex = index;
  return expression.test(text);
}

/** Returns the end of the match at an index. Returns the index if there is none. */
function matchEnd(expression: RegExp, text: string, index: number): number {
  return isAt(expression, text, index) ? expression.lastIndex : index;
}

/** A copy of a text in which ranges are replaced, in ascending order. */
class Replacing {
  readonly #text: string;
  #copy = "";
  #end = 0;

  constructor(text: string) {
    this.#text = text;
  }

  replace(start: number, end: number, replacement: string): void {
    this.#copy += this.#text.slice(this.#end, start) + replacement;
    this.#end = end;
  }

  get text(): string {
    return this.#end === 0 ? this.#text : this.#copy + this.#text.slice(this.#end);
  }
}

/** Base64 in a text. It may be wrapped into lines. */
class Base64Run {
  /** The index after the run and its padding. */
  end: number;
  readonly #text: string;
  /** Whether the run is the data of a URL, in which a plus and a slash may be percent-encoded. */
  readonly #isUrl: boolean;
  /** The number of base64 characters. */
  #length = 0;
  /** The bits that all characters have, and those that any has. */
  #all = isHex;
  #any = 0;

  /** @param headLength The length of the URL before its data, or 0 if the run is not the data of a URL. */
  constructor(text: string, start: number, headLength: number) {
    this.#text = text;
    this.#isUrl = headLength > 0;
    this.end = start;
    const first = this.#takeLine(start);
    if (this.#isUrl || first >= minLineLength) this.#takeLines(first, first + headLength);
  }

  /** Whether the run is data. Otherwise it is short, hexadecimal, or a rule such as `-----`. */
  get isBase64(): boolean {
    if (this.#length < minBase64Length || (this.#any & isSolid) === 0) return false;
    // Zeros are `AAAA`.
    return (this.#all & isHex) === 0 || (this.#any & isDigit) === 0;
  }

  /** The number of bytes that the run encodes. */
  get bytes(): number {
    return Math.floor((this.#length * 3) / 4);
  }

  /** Adds the lines after the first one: those of the same length, and a shorter last one. */
  #takeLines(first: number, firstWidth: number): void {
    let width = firstWidth;
    // The length of the first line of a URL depends on the text before it.
    let isOpen = this.#isUrl;
    while (!this.#takePadding()) {
      const start = matchEnd(lineBreak, this.#text, this.end);
      if (start === this.end) return;
      const { end, length } = this.#lineAt(start, Math.max(width, minLineLength) + 1);
      if (isOpen ? length >= minLineLength && length >= first : length === width) {
        width = this.#takeLine(start);
        isOpen = false;
        continue;
      }
      if (length === 0 || length >= width || width < minLineLength) return;
      const isPadded = isAt(padding, this.#text, end);
      if (isPadded || isAt(lineEnd, this.#text, end)) {
        this.#takeLine(start);
        this.#takePadding();
      }
      return;
    }
  }

  /** Returns end and length of a line. Reads at most `limit` characters. */
  #lineAt(start: number, limit: number): { end: number; length: number } {
    let end = start;
    let length = 0;
    for (; length < limit; length += 1) {
      const next = this.#next(end);
      if (next === end) break;
      end = next;
    }
    return { end, length };
  }

  /** Adds the line at an index. Returns its length. */
  #takeLine(start: number): number {
    const text = this.#text;
    let index = start;
    let length = 0;
    let all = this.#all;
    let any = this.#any;
    for (;;) {
      let bits = classOf(text, index);
      let next = index + 1;
      if ((bits & isData) === 0) {
        next = this.#next(index);
        if (next === index) break;
        bits = isData | isSolid;
      }
      all &= bits;
      any |= bits;
      index = next;
      length += 1;
    }
    this.#all = all;
    this.#any = any;
    this.end = index;
    this.#length += length;
    return length;
  }

  /** Returns the index after the base64 character at an index. Returns the index if there is none. */
  #next(index: number): number {
    if ((classOf(this.#text, index) & isData) !== 0) return index + 1;
    if (isEscapedSlash(this.#text, index)) return index + 2;
    return this.#isUrl ? matchEnd(escapedOctet, this.#text, index) : index;
  }

  #takePadding(): boolean {
    const start = this.end;
    this.end = matchEnd(padding, this.#text, start);
    return this.end !== start;
  }
}

function withoutDataUrls(text: string): string {
  // A search for a plain text is much faster than one for an expression.
  if (!text.includes("data:")) return text;
  const scheme = /(?<!\w)data:/g;
  const result = new Replacing(text);
  for (let found = scheme.exec(text); found !== null; found = scheme.exec(text)) {
    const start = found.index;
    const [head = ""] = text.slice(start, start + maxHeadLength).split(",", 1);
    const dataStart = start + head.length + 1;
    if (text.charAt(dataStart - 1) !== "," || !dataUrlHead.test(head)) continue;
    const end = /;base64$/i.test(head)
      ? new Base64Run(text, dataStart, head.length + 1).end
      : matchEnd(urlData, text, dataStart);
    if (end === dataStart) continue;
    result.replace(start, end, `(${head.replace("\\", "")}, ${end - start} characters)`);
    scheme.lastIndex = end;
  }
  return result.text;
}

function withoutBase64(text: string): string {
  if (text.length < minBase64Length) return text;
  const result = new Replacing(text);
  let end = 0;
  // Every long line has a character at a probe. Most characters of other text are never read.
  for (let probe = minLineLength - 1; probe < text.length; probe += minLineLength) {
    if (!isDataAt(text, probe)) continue;
    const start = runStart(text, probe, end);
    const last = start + minLineLength - 1;
    if (!isDataAt(text, last)) {
      probe = last;
      continue;
    }
    const run = new Base64Run(text, start, 0);
    end = run.end;
    if (run.isBase64 && !isInToken(text, start, end)) {
      result.replace(start, end, `(base64, ${run.bytes} bytes)`);
    }
    probe = end - 1;
  }
  return result.text;
}

function isDataAt(text: string, index: number): boolean {
  return (classOf(text, index) & isData) !== 0 || isEscapedSlash(text, index);
}

/** Returns the start of the run that contains an index. */
function runStart(text: string, index: number, lowest: number): number {
  let start = index;
  while (start > lowest && isDataAt(text, start - 1)) start -= 1;
  // The letter of an escaped line break is not data.
  const isLetter = (classOf(text, start) & isData) !== 0 && text.charCodeAt(start) !== slash;
  return isLetter && text.charCodeAt(start - 1) === backslash ? start + 1 : start;
}

/** Whether a run is a part of a JSON Web Token. Dots separate the parts, and the first one is a JSON object. */
function isInToken(text: string, start: number, end: number): boolean {
  const isFirst = text.charAt(start - 1) !== ".";
  if (text.startsWith("eyJ", start)) return !isFirst || text.charAt(end) === ".";
  if (isFirst) return false;
  const lowest = Math.max(start - maxTokenHead, 0);
  let head = start - 1;
  while (head > lowest && (text.charAt(head - 1) === "." || isDataAt(text, head - 1))) head -= 1;
  return text.startsWith("eyJ", head);
}

function withoutSerialized(text: string): string {
  if (!text.includes("Buffer") && !text.includes('"0')) return text;
  const result = new Replacing(text);
  serializedHead.lastIndex = 0;
  for (let found = serializedHead.exec(text); found !== null; found = serializedHead.exec(text)) {
    const start = found.index;
    const [, bufferQuote, quote = bufferQuote] = found;
    const { end, shown } =
      bufferQuote === undefined
        ? typedArrayAt(text, start + 1)
        : bufferAt(text, serializedHead.lastIndex);
    if (shown !== undefined) result.replace(start, end, `${quote}${shown}${quote}`);
    serializedHead.lastIndex = end;
  }
  return result.text;
}

function bufferAt(text: string, start: number): { end: number; shown: string } {
  const dataEnd = matchEnd(bufferData, text, start);
  const bytes = text.slice(start, dataEnd).match(/\d+/g)?.length ?? 0;
  return { end: matchEnd(bufferEnd, text, dataEnd), shown: `(binary, ${bytes} bytes)` };
}

function typedArrayAt(text: string, start: number): { end: number; shown: string | undefined } {
  let count = 0;
  let isBytes = true;
  let end = start;
  for (;;) {
    element.lastIndex = end;
    const found = element.exec(text);
    if (found === null || found[1] !== String(count)) break;
    isBytes &&= /^\d{1,3}$/.test(found[2] as string);
    count += 1;
    end = element.lastIndex;
  }
  if (count < minElements) return { end, shown: undefined };
  const shown = `(binary, ${count} ${isBytes ? "bytes" : "numbers"})`;
  return { end: matchEnd(objectEnd, text, end), shown };
}

/** Returns type and size of media in a prompt or a response, in any form of the SDK. Never contains the data. */
export function describeMedia(
  data: unknown,
  mediaType: string | undefined,
): Readonly<Record<string, unknown>> {
  const modality = modalityOf(mediaType);
  const type = mediaType === undefined ? {} : { mime_type: mediaType };
  const url = urlOf(data);
  if (url !== undefined) return { type: "uri", modality, ...type, uri: url };
  return { type: "blob", modality, ...type, content: "", bytes: dataBytes(data) };
}

function modalityOf(mediaType: string | undefined): string {
  const kind = mediaType?.split("/", 1)[0];
  return kind === "image" || kind === "video" || kind === "audio" ? kind : "document";
}

function urlOf(data: unknown): string | undefined {
  const text = data instanceof URL ? data.href : data;
  if (typeof text !== "string" || !/^https?:\/\//i.test(text)) return undefined;
  return cleanAddress(text);
}

function dataBytes(data: unknown): number {
  if (typeof data === "string") {
    const comma = data.startsWith("data:") ? data.indexOf(",") + 1 : 0;
    return Math.floor(((data.length - comma) * 3) / 4);
  }
  return typeof data === "object" && data !== null ? (binaryBytes(data) ?? 0) : 0;
}

function binaryBytes(value: object): number | undefined {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  return typeof Blob !== "undefined" && value instanceof Blob ? value.size : undefined;
}
