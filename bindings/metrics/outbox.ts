/** A frame that waits for its delivery. */
export type Frame = Uint8Array<ArrayBuffer>;

/** While so many bytes wait, nothing more is taken out of the core, which goes on adding up. */
const maxBytes = 1 << 20;

/** Frames that were made and not delivered yet, the oldest first. Their bytes never change. */
export class Outbox {
  readonly #frames = new Set<Frame>();
  #bytes = 0;

  get size(): number {
    return this.#frames.size;
  }

  get isFull(): boolean {
    return this.#bytes >= maxBytes;
  }

  get frames(): readonly Frame[] {
    return [...this.#frames];
  }

  add(frames: readonly Frame[]): void {
    for (const frame of frames) {
      this.#frames.add(frame);
      this.#bytes += frame.length;
    }
  }

  /** Forgets a frame that arrived, or was refused for good. */
  remove(frame: Frame): void {
    if (this.#frames.delete(frame)) this.#bytes -= frame.length;
  }
}
