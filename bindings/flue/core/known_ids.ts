import { FlueAbi } from "../abi.gen.ts";
import type { EventIds } from "../events/event_ids.ts";

const encoder = new TextEncoder();
/** Maximum number of UTF-8 bytes of one UTF-16 unit. */
const bytesPerUnit = 3;
/** Identifiers longer than this in total are refused. */
const maxUnits = 100_000;
const asciiEnd = 0x80;

/**
 * Writes the identifiers of events for a core. Leaves out those that equal the last identifier at the same position,
 * because the core remembers it. Most events have one new identifier.
 */
export class KnownIds {
  readonly #room: (bytes: number) => Uint8Array<ArrayBuffer>;
  readonly #known: string[] = [];
  #bytes = new Uint8Array(0);
  /** Number of bytes written to the buffer. */
  length = 0;

  /** @param room Returns the core's buffer with room for at least that many bytes. */
  constructor(room: (bytes: number) => Uint8Array<ArrayBuffer>) {
    this.#room = room;
    this.forget();
  }

  /** Forgets the last identifiers. Call this when the core refused them. */
  forget(): void {
    this.#known.length = 0;
    for (let i = 0; i < FlueAbi.ids; i += 1) this.#known.push("");
  }

  /** Writes new identifiers to the buffer. Returns the bits for isotel_flue_event(). */
  newBits(ids: EventIds): number {
    const { run, instance, session, operation, task, turn, toolCall, submission } = ids;
    const units =
      run.length +
      instance.length +
      session.length +
      operation.length +
      task.length +
      turn.length +
      toolCall.length +
      submission.length;
    this.length = 0;
    // The core refuses an event whose identifiers are not in the buffer.
    if (units > maxUnits) return -1;
    this.#bytes = this.#room(units * bytesPerUnit + FlueAbi.ids);
    return (
      this.#bitsOf(0, run) |
      this.#bitsOf(1, instance) |
      this.#bitsOf(2, session) |
      this.#bitsOf(3, operation) |
      this.#bitsOf(4, task) |
      this.#bitsOf(5, turn) |
      this.#bitsOf(6, toolCall) |
      this.#bitsOf(7, submission)
    );
  }

  #bitsOf(place: number, id: string): number {
    if (id === "") return 0;
    const has = 1 << place;
    if (id === this.#known[place]) return has;
    this.#known[place] = id;
    this.#write(id);
    return has | (has << FlueAbi.ids);
  }

  #write(id: string): void {
    const bytes = this.#bytes;
    const start = this.length;
    const units = id.length;
    let end = start;
    for (let i = 0; i < units; i += 1) {
      const unit = id.charCodeAt(i);
      if (unit >= asciiEnd) {
        end = start + encoder.encodeInto(id, bytes.subarray(start)).written;
        break;
      }
      bytes[end] = unit;
      end += 1;
    }
    bytes[end] = 0;
    this.length = end + 1;
  }
}
