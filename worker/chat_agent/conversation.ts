import type { ModelMessage } from "ai";

/** The stored state of a conversation: its messages and the number of turns. Survives hibernation. */
export class Conversation {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  get messages(): ModelMessage[] {
    return this.#storage.kv.get<ModelMessage[]>("messages") ?? [];
  }

  add(...messages: readonly ModelMessage[]): void {
    this.#storage.kv.put("messages", [...this.messages, ...messages]);
  }

  /** Returns the number of the turn that starts now. */
  nextGeneration(): number {
    const generation = (this.#storage.kv.get<number>("generation") ?? 0) + 1;
    this.#storage.kv.put("generation", generation);
    return generation;
  }
}
