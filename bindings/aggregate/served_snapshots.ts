import { reportOnce } from "../base/report_once.ts";
import { isolateAggregate } from "./totals/aggregate.ts";

/** A snapshot with its version and time. */
interface Served {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly version: number;
  readonly unixMs: number;
}

/** Lifetime of a snapshot in the cache of a data center. */
const rememberSeconds = 3600;
/**
 * Maximum difference between the clocks of aggregators. If a snapshot is newer by more but has a lower version, its
 * versions have started again.
 */
const clockSkewMs = 60_000;
/** Maximum number of snapshots that an isolate remembers. */
const maxRemembered = 256;

/** The last snapshot that this isolate served, by key. */
const remembered = new Map<string, Served>();

/**
 * Returns the newest of a snapshot and the snapshots that this isolate and this data center served before. So a stale
 * cache cannot make totals decrease for a scraper.
 *
 * @param key Identifies the aggregator. Must not depend on the place of the scrape.
 * @param found The snapshot that was read. Undefined if there was none.
 * @returns Undefined if no snapshot exists so far.
 * @throws AggregationError if `found` cannot be read.
 */
export async function newestServed(
  key: string,
  found: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  const fresh = found && describe(found as Uint8Array<ArrayBuffer>);
  const place = await readPlace(key);
  // Read after the await: another scrape may have served a newer snapshot meanwhile.
  const newest = newer(newer(remembered.get(key), place), fresh);
  if (newest === undefined) return undefined;
  remembered.delete(key);
  remembered.set(key, newest);
  const [oldest] = remembered.keys();
  if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
  if (newest !== place) await writePlace(key, newest);
  return newest.bytes;
}

function describe(bytes: Uint8Array<ArrayBuffer>): Served {
  const { version, unixMs } = isolateAggregate().peek(bytes);
  return { bytes, version, unixMs };
}

/** Returns the newer of two snapshots. Returns the first if they are equal. */
function newer(a: Served | undefined, b: Served | undefined): Served | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (Math.abs(a.unixMs - b.unixMs) > clockSkewMs) return a.unixMs > b.unixMs ? a : b;
  return a.version >= b.version ? a : b;
}

/** Opens a separate cache. Entries of the default cache could be served at their address. */
function openCache(): Promise<Cache> | undefined {
  return typeof caches === "undefined" ? undefined : caches.open("isotel");
}

function addressOf(key: string): string {
  return `https://isotel.invalid/${encodeURIComponent(key)}`;
}

async function readPlace(key: string): Promise<Served | undefined> {
  try {
    const cached = await (await openCache())?.match(addressOf(key));
    return cached && describe(new Uint8Array(await cached.arrayBuffer()));
  } catch (cause) {
    // The cache is unavailable, or another version of isotel wrote the entry. The snapshots in memory remain.
    reportCache(cause);
    return undefined;
  }
}

async function writePlace(key: string, { bytes }: Served): Promise<void> {
  const headers = { "cache-control": `max-age=${rememberSeconds}` };
  try {
    await (await openCache())?.put(addressOf(key), new Response(bytes, { headers }));
  } catch (cause) {
    reportCache(cause);
  }
}

function reportCache(cause: unknown): void {
  reportOnce(
    "isotel: the Cache API failed; a scrape may show older totals than another isolate has shown before.",
    cause,
  );
}
