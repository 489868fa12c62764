// Operations on a queue, a KV namespace, Durable Objects and their storage, with what came of each as text. The same list
// runs on the doubles and in workerd on the real bindings.
import type { Random } from "../../wasm/support/random.ts";

export interface Bindings {
  readonly queue: Queue;
  /** The bodies that the consumer of the queue has received, once there are `count`. */
  readonly received: (count: number) => Promise<readonly unknown[]>;
  readonly kv: KVNamespace;
  /** Objects of the class {@link PeerMethods}. */
  readonly peers: DurableObjectNamespace;
  /** Runs {@link storageOutcomes} on the storage of an object. */
  readonly storage: (seed: number) => Promise<readonly string[]>;
}

/** Takes a buffer away from whoever holds it. */
export function detach(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && !isDetached(buffer)) {
    structuredClone(buffer, { transfer: [buffer] });
  }
}

export function isDetached(buffer: ArrayBuffer): boolean {
  return (buffer as ArrayBuffer & { readonly detached: boolean }).detached;
}

/** The type of a value, its size, and its content where that is short. */
export function shapeOf(value: unknown): string {
  if (typeof value === "string" && value.length > 40) return `string of ${value.length}`;
  if (typeof value === "function") return "function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol" || value === undefined) return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof ArrayBuffer) {
    return `ArrayBuffer(${value.byteLength}) ${sumOf(new Uint8Array(value))}`;
  }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    const sum = sumOf(new Uint8Array(buffer, byteOffset, byteLength));
    return `${value.constructor.name}(${byteLength} of ${buffer.byteLength}) ${sum}`;
  }
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Date) return `Date ${value.getTime()}`;
  if (value instanceof Map) return `Map ${shapeOf([...value])}`;
  if (value instanceof Set) return `Set ${shapeOf([...value])}`;
  if (Array.isArray(value)) return `[${value.map(shapeOf).join(", ")}]`;
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${shapeOf(item)}`);
  return `{${entries.sort().join(", ")}}`;
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1) sum += (bytes[at] as number) * (at % 251);
  return sum;
}

async function attempt(call: () => Promise<unknown> | unknown): Promise<string> {
  let answer: Promise<unknown> | unknown;
  try {
    answer = call();
  } catch (cause) {
    return `throws ${nameOf(cause)}`;
  }
  try {
    return shapeOf(await answer);
  } catch (cause) {
    return `rejects with ${nameOf(cause)}`;
  }
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}

function bufferOf(value: unknown): ArrayBuffer | undefined {
  if (value instanceof ArrayBuffer) return value;
  return ArrayBuffer.isView(value) ? (value.buffer as ArrayBuffer) : undefined;
}

function bytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const filled = new Uint8Array(length).fill(random.below(256));
  for (let at = 0; at < Math.min(length, 8); at += 1) filled[at] = random.below(256);
  return filled;
}

/** A buffer, a view on all of one, or on a part. */
function binary(random: Random, length: number): ArrayBuffer | ArrayBufferView {
  const own = bytes(random, length);
  const larger = bytes(random, length + 24);
  return random.pick<() => ArrayBuffer | ArrayBufferView>([
    () => own,
    () => own.buffer,
    () => larger.subarray(8, 8 + length),
    () => new DataView(larger.buffer, 8, length),
  ])();
}

class Opaque {
  readonly secret = 1;
}

/** Any value, of which some cannot be sent. */
function anything(random: Random, depth = 0): unknown {
  const leaf = random.below(depth > 2 ? 12 : 16);
  switch (leaf) {
    case 0:
      return undefined;
    case 1:
      return null;
    case 2:
      return random.below(1000) / 8;
    case 3:
      return "text".repeat(random.below(4));
    case 4:
      return random.once(2);
    case 5:
      return BigInt(random.below(1000));
    case 6:
      return new Date(random.bits());
    case 7:
      return new RangeError("out of range");
    case 8:
    case 9:
    case 10:
      return binary(random, random.below(64));
    case 11:
      return random.pick([Symbol("symbol"), new Opaque(), new WeakMap()]);
    case 12:
      return new Map([[anything(random, 3), anything(random, depth + 1)]]);
    case 13:
      return new Set([anything(random, depth + 1)]);
    case 14:
      return Array.from({ length: random.below(4) }, () => anything(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, (_, at) => [`k${at}`, anything(random, depth + 1)]),
      );
  }
}

const maxMessageBytes = 128_000;
const contentTypes = ["bytes", "bytes", "bytes", "json", "text", "v8", undefined, "nonsense"];

function bodyFor(random: Random, contentType: string | undefined): unknown {
  const isUnfit = random.once(6);
  if (isUnfit) return random.pick([7, undefined, {}, "text", new Date(0), null, new Uint8Array(3)]);
  const lengths = [0, 1, 100, maxMessageBytes - 1, maxMessageBytes, maxMessageBytes + 1];
  if (contentType === "bytes") return binary(random, random.pick(lengths));
  if (contentType === "text") return "t".repeat(random.pick(lengths));
  if (contentType === "json")
    return random.pick([1, "text", { list: [1, null] }, "j".repeat(maxMessageBytes)]);
  return random.pick<unknown>([1, "text", new Map([[1, new Date(0)]]), binary(random, 100)]);
}

/** Whether a call has detached a buffer, at once and in the end. */
async function sending(
  what: string,
  bodies: readonly unknown[],
  call: () => Promise<unknown>,
): Promise<{ line: string; isSent: boolean }> {
  const buffers = bodies.map(bufferOf);
  const detached = () => buffers.map((buffer) => (buffer === undefined ? "-" : isDetached(buffer)));
  let atOnce: unknown[] = [];
  const came = await attempt(() => {
    const answer = call();
    atOnce = detached();
    // What is changed from now on is not sent.
    for (const buffer of buffers) {
      if (buffer !== undefined && !isDetached(buffer)) new Uint8Array(buffer).fill(255);
    }
    return answer;
  });
  const isSent = !/throws|rejects/.test(came);
  const line = `${what}: ${isSent ? "sent" : came}; detached ${[...new Set(atOnce)]}, then ${[...new Set(detached())]}`;
  return { line, isSent };
}

async function queueOutcomes({ queue, received }: Bindings, random: Random): Promise<string[]> {
  const lines: string[] = [];
  let count = 0;
  const note = ({ line, isSent }: { line: string; isSent: boolean }, messages: number) => {
    lines.push(line);
    if (isSent) count += messages;
  };
  for (let i = 0; i < 120; i += 1) {
    const contentType = random.pick(contentTypes) as QueueContentType;
    const body = bodyFor(random, contentType);
    const delaySeconds = random.once(12) ? random.pick([-1, 0]) : undefined;
    const options = { contentType, ...(delaySeconds !== undefined && { delaySeconds }) };
    const what = `send ${shapeOf(body)} as ${contentType} in ${delaySeconds}`;
    note(await sending(what, [body], () => queue.send(body, options)), 1);
    if (!random.once(8)) continue;
    // What a failed or a finished send has left of it.
    note(await sending(`${what}, again`, [body], () => queue.send(body, options)), 1);
  }
  for (let i = 0; i < 40; i += 1) {
    const length = random.pick([0, 1, 2, 3, 99, 100, 101]);
    const sizes = [1, 2560, 2561, maxMessageBytes, maxMessageBytes + 1];
    const size = random.pick(length > 3 ? sizes.slice(0, 3) : sizes);
    const messages = Array.from({ length }, () => {
      const contentType = random.pick(["bytes", "bytes", "bytes", "text"]) as "bytes";
      const body = contentType === "bytes" ? bytes(random, size) : ("t".repeat(size) as never);
      return { body, contentType };
    });
    if (random.once(8)) messages[0] = { body: 7 as never, contentType: "bytes" };
    const bodies = messages.map(({ body }) => body);
    const what = `sendBatch of ${length} with ${size}, ${shapeOf(bodies[0])}`;
    note(await sending(what, bodies, () => queue.sendBatch(messages)), length);
  }
  const arrived = (await received(count)).map((body) => `received ${shapeOf(body)}`).sort();
  return [...lines, ...arrived];
}

const keys = [
  "a",
  "b",
  "ä".repeat(256),
  "ä".repeat(257),
  "k".repeat(512),
  "k".repeat(513),
  "",
  ".",
  "..",
];
const maxValueBytes = 25 * 1024 * 1024;

async function kvOutcomes({ kv }: Bindings, random: Random): Promise<string[]> {
  const lines: string[] = [];
  const note = async (what: string, call: () => Promise<unknown>) => {
    lines.push(`${what}: ${await attempt(call)}`);
  };
  const read = async (key: string, type: string, cacheTtl: number | undefined) => {
    const options = { type, ...(cacheTtl !== undefined && { cacheTtl }) } as {
      type: "arrayBuffer";
    };
    await note(`get ${shapeOf(key)} as ${type} within ${cacheTtl}`, () => kv.get(key, options));
    await note(`getWithMetadata ${shapeOf(key)}`, async () => {
      const { value, metadata } = await kv.getWithMetadata(key, options);
      const came = shapeOf([value, metadata]);
      // What was handed out is the reader's own.
      if (value instanceof ArrayBuffer) new Uint8Array(value).fill(255);
      return came;
    });
  };
  for (const key of keys) await note(`delete ${shapeOf(key)}`, () => kv.delete(key));
  for (let i = 0; i < 100; i += 1) {
    const key = random.once(4) ? random.pick(keys) : random.pick(["a", "b"]);
    const value = random.pick<() => unknown>([
      () => binary(random, random.pick([0, 1, 1000])),
      () => binary(random, 100_000),
      () => '{"a":1}',
      () => random.pick<unknown>([7, null, undefined, {}, new Date(0)]),
    ])();
    const metadata = random.pick<unknown>([
      undefined,
      { version: 1 },
      "m".repeat(1022),
      "m".repeat(1023),
      { lost: undefined },
      10n,
    ]);
    const expirationTtl = random.once(6) ? random.pick([59, 60]) : undefined;
    const options = {
      ...(metadata !== undefined && { metadata }),
      ...(expirationTtl !== undefined && { expirationTtl }),
    };
    const what = `put ${shapeOf(key)} ${shapeOf(value)} ${shapeOf(options)}`;
    lines.push((await sending(what, [value], () => kv.put(key, value as string, options))).line);
    const type = random.pick(["text", "json", "arrayBuffer", "arrayBuffer", "nonsense"]);
    await read(key, type, random.once(4) ? random.pick([29, 30]) : undefined);
    if (random.once(6)) await note(`delete ${shapeOf(key)}`, () => kv.delete(key));
  }
  for (const size of [maxValueBytes, maxValueBytes + 1]) {
    const value = new ArrayBuffer(size);
    lines.push((await sending(`put ${size}`, [value], () => kv.put("large", value))).line);
    await note("get large", async () => (await kv.get("large", "arrayBuffer"))?.byteLength);
  }
  return lines;
}

/** What a Durable Object of these operations does. */
export class PeerMethods {
  #calls = 0;

  echo(value: unknown): unknown {
    this.#calls += 1;
    return value;
  }

  /** Changes what it was given. */
  change(value: Uint8Array): string {
    value.fill(255);
    return shapeOf(value);
  }

  /** Answers bytes that it changes right afterwards, while the answer is made, and later. */
  lend(ticks: number): Uint8Array {
    const own = new Uint8Array(32).fill(1);
    void (async () => {
      for (let i = 0; i < ticks; i += 1) await undefined;
      own.fill(2);
    })();
    return own.subarray(8, 16);
  }

  fail(name: string): never {
    const errors: Record<string, () => unknown> = {
      error: () => new Error("failed"),
      type: () => new TypeError("failed"),
      range: () => new RangeError("failed"),
      named: () => Object.assign(new Error("failed"), { name: "OwnError" }),
      derived: () => new (class DerivedError extends Error {})("failed"),
      text: () => "failed",
    };
    throw errors[name]?.();
  }

  calls(): number {
    return this.#calls;
  }
}

type Stub = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>;

async function peerOutcomes({ peers }: Bindings, random: Random): Promise<string[]> {
  const lines: string[] = [];
  const stub = (name: string) => peers.get(peers.idFromName(name)) as unknown as Stub;
  for (let i = 0; i < 200; i += 1) {
    const value = anything(random);
    const what = `echo ${shapeOf(value)}`;
    const call = () => (stub("a")["echo"] as Stub[string])(value).then(shapeOf);
    lines.push((await sending(what, [value], call)).line, await attempt(call));
  }
  const note = async (what: string, call: () => Promise<unknown>) => {
    lines.push(`${what}: ${await attempt(call)}`);
  };
  const method = (name: string, ...args: unknown[]) => (stub("a")[name] as Stub[string])(...args);
  const mine = new Uint8Array(8);
  await note("change", () => method("change", mine));
  lines.push(shapeOf(mine));
  for (const ticks of [1, 50]) await note(`lend ${ticks}`, () => method("lend", ticks));
  for (const name of ["error", "type", "range", "named", "derived", "text"]) {
    await note(`fail ${name}`, () => method("fail", name));
    await note("its message", () => method("fail", name).catch((cause) => cause.message ?? cause));
  }
  await note("no such method", () => method("nothing"));
  await note("calls of a", async () => Number(await method("calls")) > 0);
  await note("calls of b", () => (stub("b")["calls"] as Stub[string])());
  return lines;
}

/** What storage makes of statements, of values that are bound and read, and of transactions that fail. */
export async function storageOutcomes(
  storage: DurableObjectStorage,
  random: Random,
): Promise<string[]> {
  const lines: string[] = [];
  const { sql } = storage;
  const note = async (what: string, call: () => unknown) => {
    lines.push(`${what}: ${await attempt(call)}`);
  };
  const rows = () => [...sql.exec("SELECT id, value FROM t ORDER BY id")];
  await note("create", () => [...sql.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")]);
  await note("no table", () => [...sql.exec("SELECT * FROM nothing")]);
  for (let i = 0; i < 60; i += 1) {
    const value = random.pick<() => unknown>([
      () => binary(random, random.below(100)),
      () => random.pick<unknown>([null, undefined, true, {}, 10n, Number.NaN]),
      () => random.pick<unknown>(["text", 1.5, -1, 2 ** 40]),
    ])();
    const what = `insert ${shapeOf(value)}`;
    const insert = async () => {
      const query = "INSERT OR REPLACE INTO t VALUES (?, ?)";
      return [...sql.exec(query, i % 7, value as SqlStorageValue)].length;
    };
    lines.push((await sending(what, [value], insert)).line);
    await note("rows", rows);
  }
  await note("too few values", () => [...sql.exec("SELECT ?, ?", 1)]);
  await note("too many values", () => [...sql.exec("SELECT ?", 1, 2)]);
  await note("one", () => sql.exec("SELECT 7 AS n").one());
  await note("one of none", () => sql.exec("SELECT * FROM t WHERE id = 99").one());
  await note("toArray", () => sql.exec("SELECT 7 AS n").toArray());
  await note("transaction", () =>
    storage.transactionSync(() => {
      sql.exec("DELETE FROM t");
      return "done";
    }),
  );
  await note("rows", rows);
  await note("transaction that throws", () =>
    storage.transactionSync(() => {
      sql.exec("INSERT INTO t VALUES (1, 1)");
      throw new RangeError("no");
    }),
  );
  await note("rows", rows);
  await note("transaction in a transaction", () =>
    storage.transactionSync(() => {
      sql.exec("INSERT INTO t VALUES (1, 1)");
      try {
        storage.transactionSync(() => {
          sql.exec("INSERT INTO t VALUES (2, 2)");
          throw new RangeError("no");
        });
      } catch {
        // The outer one goes on.
      }
      return "done";
    }),
  );
  await note("rows", rows);
  const later = Date.now() + 3_600_000;
  await note("no alarm", () => storage.getAlarm());
  for (const [what, time] of [
    ["a time", later],
    ["a date", new Date(later)],
    ["a fraction", later + 0.7],
    ["no time", Number.NaN],
    ["before the epoch", -1],
  ] as const) {
    await note(`setAlarm ${what}`, () => storage.setAlarm(time));
    await note("alarm", async () => ((await storage.getAlarm()) ?? Number.NaN) - later);
  }
  await note("deleteAlarm", () => storage.deleteAlarm());
  await note("no alarm", () => storage.getAlarm());
  return lines;
}

/** All operations in their order. Equal seeds are equal operations. */
export async function runtimeOutcomes(
  bindings: Bindings,
  part: string,
  random: Random,
): Promise<readonly string[]> {
  if (part === "queue") return queueOutcomes(bindings, random);
  if (part === "kv") return kvOutcomes(bindings, random);
  if (part === "peers") return peerOutcomes(bindings, random);
  return bindings.storage(random.bits());
}
