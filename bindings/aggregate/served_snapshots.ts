import { reportOnce } from "../base/report_once.ts";
import { isolateAggregate } from "./totals/aggregate.ts";

/** A snapshot and what it tells about itself. */
interface Served {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly version: number;
  readonly unixMs: number;
}

/** After this a place forgets what it has served. */
const rememberSeconds = 3600;
/** Clocks of aggregators do not differ by more. A version that is lower although it was made later begins anew. */
const clockSkewMs = 60_000;
/** Snapshots an isolate remembers. */
const maxRemembered = 256;

/** What this isolate has served, by key. */
const remembered = new Map<string, Served>();

/**
 * The newest of a snapshot and those that this isolate and this place have served before, so that no scraper sees totals
 * step back because a cache is behind.
 *
 * @param key the same wherever the same aggregator is scraped.
 * @param found the snapshot that was found; undefined for none.
 * @returns undefined when there has never been one.
 * @throws AggregationError when `found` cannot be read.
 */
export async function newestServed(
  key: string,
  found: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  const fresh = found && describe(found as Uint8Array<ArrayBuffer>);
  const place = await readPlace(key);
  // Only now: another scrape may have served a newer one meanwhile.
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

/** The newer of two; of equals the first. */
function newer(a: Served | undefined, b: Served | undefined): Served | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (Math.abs(a.unixMs - b.unixMs) > clockSkewMs) return a.unixMs > b.unixMs ? a : b;
  return a.version >= b.version ? a : b;
}

/** A cache of its own: what stands in the default one may be served under its address. */
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
    // A place that remembers nothing, or what another version of isotel wrote: the isolate still remembers.
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
