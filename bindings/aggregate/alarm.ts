/** The alarm of a Durable Object, which is only ever moved to an earlier time. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #unixMs: number | undefined;
  /** The time of the one that rang last. */
  #rangUnixMs = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Reads what an earlier life of the object has set. */
  async load(): Promise<void> {
    this.#unixMs = (await this.#storage.getAlarm()) ?? undefined;
  }

  /** To be called when it rings: the runtime has taken it down. */
  rang(): void {
    this.#rangUnixMs = this.#unixMs ?? 0;
    this.#unixMs = undefined;
  }

  /** Makes it ring by then. */
  async setBy(time: number): Promise<void> {
    // One at the very time of the one that is being handled would be taken for that one, and never ring.
    const unixMs = Math.max(Math.ceil(time), this.#rangUnixMs + 1);
    if (this.#unixMs !== undefined && this.#unixMs <= unixMs) return;
    const before = this.#unixMs;
    this.#unixMs = unixMs;
    try {
      await this.#storage.setAlarm(unixMs);
    } catch (cause) {
      this.#unixMs = before;
      throw cause;
    }
  }
}
