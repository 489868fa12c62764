import { joinedBytes } from "../../base/bytes.ts";
import type { Chunk } from "./aggregate.ts";

/** Maximum number of rows of one chunk. A row is far below the limit of 2 MB. */
const rowsPerChunk = 16;
const defaultRowBytes = 1_000_000;

/**
 * Chunks in a table of a Durable Object's database. The rows of a chunk begin at `key * 16`, one for each million
 * bytes.
 */
export class ChunkStore {
  readonly #sql: SqlStorage;
  readonly #rowBytes: number;
  readonly #table: string;
  /** Number of rows of each chunk with more than one row. */
  readonly #rows = new Map<number, number>();

  constructor(sql: SqlStorage, rowBytes: number = defaultRowBytes, table = "isotel_chunks") {
    this.#sql = sql;
    this.#rowBytes = rowBytes;
    this.#table = table;
    sql.exec(`CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)`);
  }

  /** Returns one chunk. Undefined if it does not exist. */
  get(key: number): Uint8Array | undefined {
    const first = key * rowsPerChunk;
    const query = `SELECT bytes FROM ${this.#table} WHERE id >= ? AND id < ? ORDER BY id`;
    const rows = [...this.#sql.exec<{ bytes: ArrayBuffer }>(query, first, first + rowsPerChunk)];
    const parts = rows.map(({ bytes }) => new Uint8Array(bytes));
    return parts.length === 0 ? undefined : this.#join(key, parts).bytes;
  }

  /** Removes a chunk. Call this in a transaction. */
  delete(key: number): void {
    const first = key * rowsPerChunk;
    const query = `DELETE FROM ${this.#table} WHERE id >= ? AND id < ?`;
    this.#sql.exec(query, first, first + rowsPerChunk);
    this.#rows.delete(key);
  }

  /** Yields all chunks in ascending order of keys. */
  *read(): Generator<Chunk> {
    const query = `SELECT id, bytes FROM ${this.#table} ORDER BY id`;
    let key = -1;
    let parts: Uint8Array[] = [];
    for (const row of this.#sql.exec<{ id: number; bytes: ArrayBuffer }>(query)) {
      const rowKey = Math.floor(row.id / rowsPerChunk);
      if (rowKey !== key) {
        if (parts.length > 0) yield this.#join(key, parts);
        key = rowKey;
        parts = [];
      }
      parts.push(new Uint8Array(row.bytes));
    }
    if (parts.length > 0) yield this.#join(key, parts);
  }

  /**
   * Replaces chunks. Deletes those without bytes. Call this in a transaction.
   *
   * @throws RangeError if a chunk is too large. Errors of the database are passed on.
   */
  write(chunks: Iterable<Chunk>): void {
    for (const { key, bytes } of chunks) {
      if (bytes.length === 0) {
        this.delete(key);
        continue;
      }
      const rows = Math.max(1, Math.ceil(bytes.length / this.#rowBytes));
      if (rows > rowsPerChunk) throw new RangeError(`isotel: chunk ${key} is too large`);
      const first = key * rowsPerChunk;
      for (let row = 0; row < rows; row += 1) {
        const part = bytes.subarray(row * this.#rowBytes, (row + 1) * this.#rowBytes);
        this.#sql.exec(
          `INSERT OR REPLACE INTO ${this.#table} (id, bytes) VALUES (?, ?)`,
          first + row,
          part,
        );
      }
      if (rows < (this.#rows.get(key) ?? 1)) {
        this.#sql.exec(
          `DELETE FROM ${this.#table} WHERE id >= ? AND id < ?`,
          first + rows,
          first + rowsPerChunk,
        );
      }
      this.#keepRows(key, rows);
    }
  }

  #join(key: number, parts: readonly Uint8Array[]): Chunk {
    this.#keepRows(key, parts.length);
    const [first] = parts;
    const bytes = parts.length === 1 && first !== undefined ? first : joinedBytes(parts);
    return { key, bytes };
  }

  #keepRows(key: number, rows: number): void {
    if (rows > 1) this.#rows.set(key, rows);
    else this.#rows.delete(key);
  }
}
