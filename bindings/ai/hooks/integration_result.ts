/** A result that an event will tell of. Whoever waits for it hears of it at once, not a microtask later. */
export class AwaitedResult implements PromiseLike<unknown> {
  #fulfilled: ((value: unknown) => unknown) | null | undefined;
  #rejected: ((cause: unknown) => unknown) | null | undefined;

  /** Sets the one who waits. */
  // biome-ignore lint/suspicious/noThenProperty: it stands in for the promise of a call.
  then<A, B>(
    fulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    rejected?: ((cause: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    this.#fulfilled = fulfilled;
    this.#rejected = rejected;
    return this as unknown as PromiseLike<never>;
  }

  fulfil(value: unknown): void {
    const { fulfilled } = this.#take();
    fulfilled?.(value);
  }

  reject(cause: unknown): void {
    const { rejected } = this.#take();
    try {
      rejected?.(cause);
    } catch {
      // It is handed on to a caller, of which there is none.
    }
  }

  #take() {
    const taken = { fulfilled: this.#fulfilled, rejected: this.#rejected };
    this.#fulfilled = undefined;
    this.#rejected = undefined;
    return taken;
  }
}
