import { AggregateAbi } from "./abi.gen.ts";
import { type Changes, producerIdIn, type StoredProducer } from "./aggregate.ts";

/** Limit of the parameters of a query. */
const maxParameters = 100;

type Key = { readonly id: ArrayBuffer; readonly seen: number };
type Row = Key & { readonly record: ArrayBuffer };

/**
 * The records of producers that are not in memory, in a table of a Durable Object's database. One query finds the
 * producers of a batch. The index finds those that were idle longest, so that forgetting them reads no other row. A
 * record stays when its producer is in memory again, and is replaced when it is not any more.
 */
export class ProducerArchive {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS isotel_producers " +
        "(id BLOB PRIMARY KEY, seen INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID",
    );
    sql.exec("CREATE INDEX IF NOT EXISTS isotel_producers_seen ON isotel_producers (seen)");
  }

  /** Returns those of `ids` that have a record. */
  read(ids: readonly Uint8Array[]): StoredProducer[] {
    const stored: StoredProducer[] = [];
    for (let at = 0; at < ids.length; at += maxParameters) {
      const some = ids.slice(at, at + maxParameters);
      const places = some.map(() => "?").join();
      const query = `SELECT id, seen, record FROM isotel_producers WHERE id IN (${places})`;
      for (const row of this.#sql.exec<Row>(query, ...some)) {
        stored.push({ ...keyOf(row), record: new Uint8Array(row.record) });
      }
    }
    return stored;
  }

  /** Returns up to `count` producers, those first that were idle longest. Reads the index only. */
  oldest(count: number): Omit<StoredProducer, "record">[] {
    const query = "SELECT id, seen FROM isotel_producers ORDER BY seen, id LIMIT ?";
    return Array.from(this.#sql.exec<Key>(query, count), keyOf);
  }

  /** Empties the record of a producer, because it is damaged. Call this in a transaction. */
  empty(id: Uint8Array): void {
    this.#sql.exec("UPDATE isotel_producers SET record = x'' WHERE id = ?", id);
  }

  /** Returns the earliest time at which any of the producers sent its last frame. Infinity without records. */
  oldestUnixMs(): number {
    const query = "SELECT MIN(seen) AS seen FROM isotel_producers";
    const [row] = [...this.#sql.exec<{ seen: number | null }>(query)];
    return row?.seen ?? Number.POSITIVE_INFINITY;
  }

  /** Removes and stores records. Call this in a transaction. */
  write({ removed, archived }: Changes): void {
    for (const id of removed) this.#sql.exec("DELETE FROM isotel_producers WHERE id = ?", id);
    for (const record of archived) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO isotel_producers (id, seen, record) VALUES (?, ?, ?)",
        producerIdIn(record),
        seenIn(record),
        record,
      );
    }
  }
}

function keyOf({ id, seen }: Key): Omit<StoredProducer, "record"> {
  return { id: new Uint8Array(id), seenUnixMs: seen };
}

/** Returns the time of the last frame that a record contains. */
function seenIn(record: Uint8Array): number {
  const { buffer, byteOffset } = record;
  return Number(new DataView(buffer, byteOffset).getBigUint64(AggregateAbi.recordSeenAt, true));
}
