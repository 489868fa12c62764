import { ChunkStore } from "../aggregate/totals/chunk_store.ts";
import type { SeriesSpan } from "./encode_part.ts";

/** Counts of data points and requests; see MetricsExportCounts. */
export interface TargetCounts {
  accepted: number;
  rejected: number;
  dropped: number;
  requests: number;
  failed: number;
  givenUp: number;
  lastStatus: number;
}

/** The stored state of the export to one backend. */
export interface TargetState {
  /** End of the last interval: the time of its snapshot. */
  intervalUnixMs: number;
  /** Nothing is sent before this time. */
  waitUntilUnixMs: number;
  /** The interval that is being sent. Its snapshot is stored. Null if all its parts are decided. */
  pending: PendingInterval | null;
  /** Whether the last request used up its attempts. Missing in states that an earlier version stored. */
  isDown?: boolean;
  /** Whether a base is stored: the data that the backend has accepted. A delta is the difference to it. */
  hasBase: boolean;
  counts: TargetCounts;
}

export interface PendingInterval {
  /** The first series that is not decided. */
  next: number;
  /** The series that the backend accepted. */
  taken: SeriesSpan[];
  /** Number of attempts for the request that begins with `next`. */
  attempts: number;
  /** Number of data points that are decided. */
  points: number;
}

/** Number of chunks for one backend. */
const chunksOfTarget = 2;
const baseChunk = 0;
const snapshotChunk = 1;
/** A snapshot has at most 16 MiB. A chunk of 16 such rows has room for more. */
const rowBytes = 1_500_000;

/** What is stored of the export to a backend cannot be read. */
export class DamagedExportError extends Error {}

/** Stores the state of the export to each backend of an aggregator. Write in a transaction. */
export class TargetStore {
  readonly #sql: SqlStorage;
  readonly #chunks: ChunkStore;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#chunks = new ChunkStore(sql, rowBytes, "isotel_export_chunks");
    sql.exec(
      "CREATE TABLE IF NOT EXISTS isotel_exports (slot INTEGER PRIMARY KEY, target TEXT NOT NULL, state TEXT NOT NULL)",
    );
  }

  /** Returns the slots of all backends by key. */
  slots(): Map<string, number> {
    const query = "SELECT slot, target FROM isotel_exports";
    const rows = [...this.#sql.exec<{ slot: number; target: string }>(query)];
    return new Map(rows.map(({ slot, target }) => [target, slot]));
  }

  add(slot: number, target: string, state: TargetState): void {
    const query = "INSERT INTO isotel_exports (slot, target, state) VALUES (?, ?, ?)";
    this.#sql.exec(query, slot, target, JSON.stringify(state));
  }

  remove(slot: number): void {
    this.#sql.exec("DELETE FROM isotel_exports WHERE slot = ?", slot);
    for (const chunk of [baseChunk, snapshotChunk]) {
      this.#chunks.delete(slot * chunksOfTarget + chunk);
    }
  }

  /** @throws DamagedExportError if it is damaged. */
  read(slot: number): TargetState {
    const query = "SELECT state FROM isotel_exports WHERE slot = ?";
    const [row] = [...this.#sql.exec<{ state: string }>(query, slot)];
    const state = parsed(row?.state);
    if (state === undefined)
      throw new DamagedExportError("isotel: the state of an export is damaged");
    return state;
  }

  write(slot: number, state: TargetState): void {
    const query = "UPDATE isotel_exports SET state = ? WHERE slot = ?";
    this.#sql.exec(query, JSON.stringify(state), slot);
  }

  base(slot: number): Uint8Array | undefined {
    return this.#chunks.get(slot * chunksOfTarget + baseChunk);
  }

  writeBase(slot: number, bytes: Uint8Array): void {
    this.#replace(slot * chunksOfTarget + baseChunk, bytes);
  }

  snapshot(slot: number): Uint8Array | undefined {
    return this.#chunks.get(slot * chunksOfTarget + snapshotChunk);
  }

  writeSnapshot(slot: number, bytes: Uint8Array): void {
    this.#replace(slot * chunksOfTarget + snapshotChunk, bytes);
  }

  #replace(key: number, bytes: Uint8Array): void {
    this.#chunks.delete(key);
    this.#chunks.write([{ key, bytes }]);
  }
}

function parsed(text: string | undefined): TargetState | undefined {
  try {
    const state: Partial<TargetState> | null = JSON.parse(text ?? "");
    return typeof state?.counts === "object" ? (state as TargetState) : undefined;
  } catch {
    return undefined;
  }
}
