/** A frame that waits to be delivered. */
export type Frame = Uint8Array<ArrayBuffer>;

/** When this many bytes wait, no more frames are taken from the core. The core continues to add up records. */
const maxBytes = 1 << 20;

/**
 * Frames that are not delivered yet, oldest first. Their bytes never change: transports send copies.
 *
 * The outbox keeps the size that each frame had when it was added, because the length of a frame becomes 0 when its
 * buffer is detached.
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

  /** Removes a frame that was delivered or finally refused. */
  remove(frame: Frame): void {
    this.#bytes -= this.#sizes.get(frame) ?? 0;
    this.#sizes.delete(frame);
  }
}
