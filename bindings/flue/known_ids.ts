import { FlueAbi } from "./abi.gen.ts";
import type { EventIds } from "./event_ids.ts";

const encoder = new TextEncoder();
/** Bytes of UTF-8 for one UTF-16 unit, at most. */
const bytesPerUnit = 3;
/** Identifiers that long are refused. */
const maxUnits = 100_000;
const asciiEnd = 0x80;

/**
 * Tells a core the identifiers of events: those that are not the last it was told of in their place. Most events have the
 * identifiers of the one before and one other.
 */
export class KnownIds {
  readonly #room: (bytes: number) => Uint8Array<ArrayBuffer>;
  readonly #known: string[] = [];
  #bytes = new Uint8Array(0);
  /** Bytes of the buffer that were written. */
  length = 0;

  /** @param room gives the core's buffer, with room for at least so many bytes. */
  constructor(room: (bytes: number) => Uint8Array<ArrayBuffer>) {
    this.#room = room;
    this.forget();
  }

  /** Has the next identifiers told anew: of a core that did not take the last. */
  forget(): void {
    this.#known.length = 0;
    for (let i = 0; i < FlueAbi.ids; i += 1) this.#known.push("");
  }

  /** Writes to the buffer what the core does not know; the bits of isotel_flue_event(). */
  tell(ids: EventIds): number {
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
    // With none of them in the buffer the core refuses them.
    if (units > maxUnits) return -1;
    this.#bytes = this.#room(units * bytesPerUnit + FlueAbi.ids);
    return (
      this.#tell(0, run) |
      this.#tell(1, instance) |
      this.#tell(2, session) |
      this.#tell(3, operation) |
      this.#tell(4, task) |
      this.#tell(5, turn) |
      this.#tell(6, toolCall) |
      this.#tell(7, submission)
    );
  }

  #tell(place: number, id: string): number {
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
