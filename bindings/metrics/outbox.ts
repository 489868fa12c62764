/** A frame that waits for its delivery. */
export type Frame = Uint8Array<ArrayBuffer>;

/** While so many bytes wait, nothing more is taken out of the core, which goes on adding up. */
const maxBytes = 1 << 20;

/**
 * Frames that were made and not delivered yet, the oldest first. Their bytes never change: a transport hands out copies.
 *
 * The outbox keeps the size each frame had when it was added. The length of a frame becomes 0 when its buffer is detached.
 */
export class Outbox {
  readonly #sizes = new Map<Frame, number>();
  #bytes = 0;

  get size(): number {
    return this.#sizes.size;
  }

  get isFull(): boolean {
    return this.#bytes >= maxBytes;
  }

  get frames(): readonly Frame[] {
    return [...this.#sizes.keys()];
  }

  add(frames: readonly Frame[]): void {
    for (const frame of frames) {
      this.#sizes.set(frame, frame.length);
      this.#bytes += frame.length;
    }
  }

  /** Forgets a frame that arrived, or was refused for good. */
  remove(frame: Frame): void {
    this.#bytes -= this.#sizes.get(frame) ?? 0;
    this.#sizes.delete(frame);
  }
}
