import { utf8Length } from "../../base/bytes.ts";
import { text } from "../../base/values.ts";
import { CutText } from "./bounded_json.ts";
import { maxContentBytes } from "./messages.ts";
import { omittedParts, type Part, partOf } from "./parts.ts";

/** Maximum number of parts of one response. A stream may have any number. */
const maxParts = 1_000;

/** A block of text or reasoning. Other blocks may be open at the same time. */
class Block {
  readonly #type: string;
  #text = "";
  #omittedBytes = 0;

  constructor(type: string) {
    this.#type = type;
  }

  get length(): number {
    return this.#text.length;
  }

  append(delta: string): void {
    if (this.#omittedBytes === 0) this.#text += delta;
    else this.#omittedBytes += utf8Length(delta);
  }

  /** Keeps at most `length` UTF-16 units. Text that is appended to a block that was cut is only counted. */
  cut(length: number): void {
    if (this.#text.length <= length) return;
    const end = isHighSurrogate(this.#text.charCodeAt(length - 1)) ? length - 1 : length;
    this.#omittedBytes += utf8Length(this.#text.slice(end));
    this.#text = this.#text.slice(0, end);
  }

  part(): Part {
    const content =
      this.#omittedBytes === 0 ? this.#text : new CutText(this.#text, this.#omittedBytes);
    return { type: this.#type, content };
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/**
 * Collects the content of a response from the parts of its stream, up to the size of an attribute.
 *
 * The parts are those of the same response from `doGenerate`: one for each block of text or reasoning, in the order in
 * which the blocks start. A block without text is a part too, as in the SDK's `content`. A delta without a started
 * block starts a block.
 */
export class StreamedAnswer {
  readonly #parts: (Part | Block)[] = [];
  /** The open blocks by id. Text and reasoning may use the same ids. */
  readonly #texts = new Map<unknown, Block>();
  readonly #reasonings = new Map<unknown, Block>();
  /** Length of all blocks in UTF-16 units. */
  #length = 0;
  #omittedParts = 0;
  readonly #maxBytes: number;

  /** @param maxBytes Bytes of text that are kept at least. */
  constructor(maxBytes: number = maxContentBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Adds one part of a provider's stream. */
  add(part: Readonly<Record<string, unknown>>): void {
    switch (part["type"]) {
      case "text-start":
        this.#start("text", this.#texts, part["id"]);
        return;
      case "text-delta":
        this.#append("text", this.#texts, part);
        return;
      case "text-end":
        this.#texts.delete(part["id"]);
        return;
      case "reasoning-start":
        this.#start("reasoning", this.#reasonings, part["id"]);
        return;
      case "reasoning-delta":
        this.#append("reasoning", this.#reasonings, part);
        return;
      case "reasoning-end":
        this.#reasonings.delete(part["id"]);
        return;
      case "tool-result":
        // The final result follows.
        if (part["preliminary"] === true) return;
        break;
      case "tool-call":
      case "tool-approval-request":
      case "file":
      case "reasoning-file":
      case "source":
      case "custom":
        break;
      default:
        return;
    }
    const converted = this.#hasRoom() ? partOf(part) : undefined;
    if (converted !== undefined) this.#parts.push(converted);
  }

  /** Returns the parts of the response in their order. */
  parts(): readonly Part[] {
    const parts = this.#parts.map((part) => (part instanceof Block ? part.part() : part));
    return this.#omittedParts === 0 ? parts : [...parts, omittedParts(this.#omittedParts)];
  }

  /** Counts a part for which there is no room. */
  #hasRoom(): boolean {
    if (this.#parts.length < maxParts) return true;
    this.#omittedParts += 1;
    return false;
  }

  #start(type: string, open: Map<unknown, Block>, id: unknown): void {
    // The id may belong to an open block. Its deltas belong to the new block from now on.
    open.delete(id);
    if (!this.#hasRoom()) return;
    const block = new Block(type);
    this.#parts.push(block);
    open.set(id, block);
  }

  #append(type: string, open: Map<unknown, Block>, part: Readonly<Record<string, unknown>>): void {
    const { id } = part;
    const delta = text(part["delta"]) ?? text(part["text"]);
    if (delta === undefined) return;
    // Above the limit, blocks are counted when they start, and their ids are not kept.
    if (!open.has(id) && this.#parts.length < maxParts) this.#start(type, open, id);
    const block = open.get(id);
    if (block === undefined) return;
    this.#length -= block.length;
    block.append(delta);
    this.#length += block.length;
    if (this.#length > 2 * this.#maxBytes) this.#trim();
  }

  /**
   * Cuts the text that cannot be recorded because the blocks before it fill the attribute. Runs after as much
   * text again at most, so that the time stays linear.
   */
  #trim(): void {
    let left = this.#maxBytes;
    for (const part of this.#parts) {
      if (!(part instanceof Block)) continue;
      part.cut(left);
      left -= part.length;
    }
    this.#length = this.#maxBytes - left;
  }
}
