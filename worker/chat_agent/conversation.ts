import type { ModelMessage } from "ai";

/** What a conversation keeps: its messages and the number of turns taken. Survives hibernation. */
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

  /** The number of a turn that begins. */
  nextGeneration(): number {
    const generation = (this.#storage.kv.get<number>("generation") ?? 0) + 1;
    this.#storage.kv.put("generation", generation);
    return generation;
  }
}
