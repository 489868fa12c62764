import { record, text } from "../../base/values.ts";
import { maxContentBytes } from "./messages.ts";
import { type Part, partOf } from "./parts.ts";

/** Maximum number of parts of one response. A stream may have any number. */
const maxParts = 1_000;

/** Collects the content of a response from the parts of its stream, up to the size of an attribute. */
export class StreamedAnswer {
  readonly #parts: Part[] = [];
  #type = "";
  #text = "";
  #kept = 0;
  #omitted = 0;

  /** Adds one part of a provider's stream. */
  add(part: Readonly<Record<string, unknown>>): void {
    switch (part["type"]) {
      case "text-delta":
        this.#addText("text", text(part["delta"]) ?? text(part["text"]) ?? "");
        return;
      case "reasoning-delta":
        this.#addText("reasoning", text(part["delta"]) ?? text(part["text"]) ?? "");
        return;
      case "tool-call":
      case "tool-result":
      case "file":
      case "source": {
        this.#endText();
        const converted = partOf(record(part));
        if (converted !== undefined && this.#parts.length < maxParts) this.#parts.push(converted);
        return;
      }
      default:
    }
  }

  /** Returns the parts of the response in their order. */
  parts(): readonly Part[] {
    this.#endText();
    return this.#parts;
  }

  #addText(type: string, delta: string): void {
    if (type !== this.#type) this.#endText();
    this.#type = type;
    const room = Math.max(maxContentBytes - this.#kept, 0);
    const kept = delta.slice(0, room);
    this.#text += kept;
    this.#kept += kept.length;
    this.#omitted += delta.length - kept.length;
  }

  #endText(): void {
    if (this.#text !== "" && this.#parts.length < maxParts) {
      const mark = this.#omitted > 0 ? `…(${this.#omitted} characters more)` : "";
      this.#parts.push({ type: this.#type, content: this.#text + mark });
    }
    this.#text = "";
    this.#omitted = 0;
  }
}
