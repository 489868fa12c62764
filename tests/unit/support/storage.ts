import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** The part of a Durable Object's storage that keeps totals, over a SQLite database in memory. */
export class MemoryStorage {
  readonly database: DatabaseSync = new DatabaseSync(":memory:");
  /** What the next transaction fails with, after its work is done. */
  failure: Error | undefined;
  transactions = 0;

  /** As the types of the runtime have it. */
  get storage(): DurableObjectStorage {
    return this as unknown as DurableObjectStorage;
  }

  readonly sql = {
    exec: (query: string, ...values: SQLInputValue[]): unknown[] => {
      const rows = this.database.prepare(query).all(...values);
      // The runtime hands out buffers.
      return rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            value instanceof Uint8Array ? new Uint8Array(value).buffer : value,
          ]),
        ),
      );
    },
  };

  transactionSync<T>(work: () => T): T {
    this.transactions += 1;
    this.database.exec("BEGIN");
    try {
      const answer = work();
      const { failure } = this;
      this.failure = undefined;
      if (failure !== undefined) throw failure;
      this.database.exec("COMMIT");
      return answer;
    } catch (cause) {
      this.database.exec("ROLLBACK");
      throw cause;
    }
  }
}
