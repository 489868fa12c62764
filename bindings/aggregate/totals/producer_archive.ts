import { AggregateAbi } from "./abi.gen.ts";
import { type Changes, producerIdIn } from "./aggregate.ts";

/** Limit of the parameters of a query. */
const maxParameters = 100;

type Row = { readonly record: ArrayBuffer };

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

  /** Returns the records of those of `ids` that have one. */
  read(ids: readonly Uint8Array[]): Uint8Array[] {
    const records: Uint8Array[] = [];
    for (let at = 0; at < ids.length; at += maxParameters) {
      const some = ids.slice(at, at + maxParameters);
      const places = some.map(() => "?").join();
      const query = `SELECT record FROM isotel_producers WHERE id IN (${places})`;
      records.push(...recordsOf(this.#sql.exec<Row>(query, ...some)));
    }
    return records;
  }

  /** Returns up to `count` records, those first whose producers were idle longest. */
  oldest(count: number): Uint8Array[] {
    const query = "SELECT record FROM isotel_producers ORDER BY seen, id LIMIT ?";
    return recordsOf(this.#sql.exec<Row>(query, count));
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

function recordsOf(rows: Iterable<Row>): Uint8Array[] {
  return Array.from(rows, ({ record }) => new Uint8Array(record));
}

/** Returns the time of the last frame that a record contains. */
function seenIn(record: Uint8Array): number {
  const { buffer, byteOffset } = record;
  return Number(new DataView(buffer, byteOffset).getBigUint64(AggregateAbi.recordSeenAt, true));
}
