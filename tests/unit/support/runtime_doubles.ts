// Doubles of what the runtime binds to a Worker: queue, KV namespace, Durable Objects and their storage.
// tests/workerd/runtime_doubles.test.ts runs the same operations on these and on the real bindings.
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { serialize } from "node:v8";
import { detach, isDetached } from "./runtime_operations.ts";

/** What becomes of a send: "unanswered" is one that arrived and failed for its caller. */
export type SendFate = "sent" | "refused" | "unanswered";

const maxMessageBytes = 128_000;
const maxBatchMessages = 100;
const maxBatchBytes = 256_000;

interface Message {
  readonly body: unknown;
  readonly bytes: number;
}

/** A queue whose consumer is a function; one that keeps what it receives by default. */
export class QueueDouble {
  /** The sizes in bytes of the messages of each call, also of calls that failed. */
  readonly calls: (readonly number[])[] = [];
  /** The bodies the default consumer has received. */
  readonly received: unknown[] = [];
  /** Decides the fate of the next call. */
  fate: () => SendFate = () => "sent";
  readonly #consume: (bodies: readonly unknown[]) => void;

  constructor(consume?: (bodies: readonly unknown[]) => void) {
    this.#consume = consume ?? ((bodies) => void this.received.push(...bodies));
  }

  /** As the types of the runtime have it. */
  get queue(): Queue {
    return this as unknown as Queue;
  }

  async send(body: unknown, options: QueueSendOptions = {}): Promise<void> {
    const message = encode(body, options.contentType);
    // The runtime takes the buffer itself, whatever becomes of the message.
    if (options.contentType === "bytes") detach((body as ArrayBufferView).buffer);
    await this.#take([message]);
  }

  async sendBatch(messages: Iterable<MessageSendRequest>): Promise<void> {
    const encoded = [...messages].map(({ body, contentType }) => encode(body, contentType));
    if (encoded.length === 0) throw new TypeError("sendBatch() takes at least one message");
    await this.#take(encoded);
  }

  async #take(messages: readonly Message[]): Promise<void> {
    const sizes = messages.map(({ bytes }) => bytes);
    this.calls.push(sizes);
    // The answer of the queue comes over the network.
    await undefined;
    if (messages.length > maxBatchMessages) throw new Error("too many messages");
    if (sizes.some((bytes) => bytes > maxMessageBytes)) throw new Error("the message is too large");
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes > maxBatchBytes) throw new Error("the batch is too large");
    const fate = this.fate();
    if (fate !== "refused") this.#consume(messages.map(({ body }) => body));
    if (fate !== "sent") throw new Error("no queue");
  }
}

/** The bodies of messages of the type "bytes", which arrive as buffers. */
export function bytesOfBodies(bodies: readonly unknown[]): Uint8Array<ArrayBuffer>[] {
  return bodies.map((body) => new Uint8Array(body as ArrayBuffer));
}

/** A message as its consumer receives it, with the bytes that count for the limits. */
function encode(body: unknown, contentType: QueueContentType = "json"): Message {
  switch (contentType) {
    case "bytes": {
      if (!ArrayBuffer.isView(body)) throw new TypeError("the body has to be a view on a buffer");
      const bytes = copyOf(body);
      return { body: bytes.buffer, bytes: bytes.length };
    }
    case "text":
      if (typeof body !== "string") throw new TypeError("the body has to be a string");
      return { body, bytes: Buffer.byteLength(body) };
    case "json": {
      const text = JSON.stringify(body);
      if (text === undefined) throw new TypeError("the body has no JSON");
      return { body: JSON.parse(text), bytes: Buffer.byteLength(text) };
    }
    case "v8":
      if (body === undefined) throw new TypeError("there is no body");
      return { body: structuredClone(body), bytes: serialize(body).length };
    default:
      throw new TypeError(`there is no content type ${contentType}`);
  }
}

/** The bytes a view shows; none where its buffer is detached. */
function copyOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const buffer = view.buffer as ArrayBuffer;
  if (isDetached(buffer)) return new Uint8Array();
  return new Uint8Array(buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

const maxKeyBytes = 512;
const maxValueBytes = 25 * 1024 * 1024;
const maxMetadataBytes = 1024;
const minExpirationSeconds = 60;
const minCacheSeconds = 30;

interface KvEntry {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metadata: string | undefined;
}

interface KvReadOptions {
  readonly type?: string;
  readonly cacheTtl?: number;
}

/** A KV namespace that every reader sees at once. Nothing expires. */
export class KvDouble {
  readonly #entries = new Map<string, KvEntry>();

  /** As the types of the runtime have it. */
  get kv(): KVNamespace {
    return this as unknown as KVNamespace;
  }

  async put(key: string, value: unknown, options: KVNamespacePutOptions = {}): Promise<void> {
    checkKey(key);
    const { metadata: given, expirationTtl } = options;
    const metadata = given === undefined ? undefined : JSON.stringify(given);
    const entry = { bytes: kvBytes(value), metadata };
    await undefined;
    if (entry.bytes.length > maxValueBytes) throw new Error("the value is too large");
    if (expirationTtl !== undefined && expirationTtl < minExpirationSeconds) {
      throw new Error("the expiration is too soon");
    }
    if (Buffer.byteLength(metadata ?? "") > maxMetadataBytes) {
      throw new Error("the metadata is too large");
    }
    this.#entries.set(key, entry);
  }

  async get(key: string, options?: string | KvReadOptions): Promise<unknown> {
    return (await this.getWithMetadata(key, options)).value;
  }

  async getWithMetadata(
    key: string,
    options: string | KvReadOptions = {},
  ): Promise<{ value: unknown; metadata: unknown }> {
    checkKey(key);
    const { type = "text", cacheTtl = minCacheSeconds } =
      typeof options === "string" ? { type: options } : options;
    await undefined;
    if (cacheTtl < minCacheSeconds) throw new Error("the time in the cache is too short");
    const entry = this.#entries.get(key);
    if (entry === undefined) return { value: null, metadata: null };
    const { bytes, metadata } = entry;
    const value = kvValue(bytes, type);
    return { value, metadata: metadata === undefined ? null : JSON.parse(metadata) };
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await undefined;
    this.#entries.delete(key);
  }
}

function checkKey(key: string): void {
  if (key === "" || key === "." || key === "..") throw new TypeError("there is no such key");
  if (Buffer.byteLength(key) > maxKeyBytes) throw new Error("the key is too long");
}

function kvBytes(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice());
  if (ArrayBuffer.isView(value)) return copyOf(value);
  if (typeof value === "object" && value !== null) {
    throw new TypeError("the value has to be a text or bytes");
  }
  return new Uint8Array(new TextEncoder().encode(String(value)));
}

function kvValue(bytes: Uint8Array<ArrayBuffer>, type: string): unknown {
  // The reader's own, whatever it does with it.
  if (type === "arrayBuffer") return bytes.slice().buffer;
  const text = new TextDecoder().decode(bytes);
  if (type === "text") return text;
  if (type === "json") return JSON.parse(text);
  throw new TypeError(`there is no type ${type}`);
}

type Method = (...args: unknown[]) => unknown;

interface ObjectId {
  readonly name: string;
  toString(): string;
  equals(other: unknown): boolean;
}

/** A namespace of Durable Objects whose methods are called by RPC. */
export class NamespaceDouble {
  readonly #create: (name: string) => object;
  readonly #objects = new Map<string, Readonly<Record<string, Method>>>();

  /** @param create makes the object of a name when it is first called. */
  constructor(create: (name: string) => object) {
    this.#create = create;
  }

  /** As the types of the runtime have it. */
  get namespace(): DurableObjectNamespace {
    return this as unknown as DurableObjectNamespace;
  }

  idFromName(name: string): ObjectId {
    const text = `id of ${name}`;
    return { name, toString: () => text, equals: (other) => String(other) === text };
  }

  /** Removes an object from memory. The next call makes it anew. */
  evict(name: string): void {
    this.#objects.delete(name);
  }

  get({ name }: { readonly name: string }): object {
    return new Proxy(
      {},
      {
        get:
          (_, method) =>
          async (...args: unknown[]) =>
            this.#call(name, String(method), args.map(rpcCopy)),
      },
    );
  }

  async #call(name: string, method: string, args: readonly unknown[]): Promise<unknown> {
    await undefined;
    const object =
      this.#objects.get(name) ?? (this.#create(name) as Readonly<Record<string, Method>>);
    this.#objects.set(name, object);
    if (typeof object[method] !== "function") throw new TypeError(`there is no method ${method}`);
    let answer: unknown;
    try {
      answer = await object[method](...args);
    } catch (cause) {
      throw rpcError(cause);
    }
    return rpcCopy(answer);
  }
}

/** A value as the other side of a call has it. Views keep all of their buffer. */
function rpcCopy(value: unknown): unknown {
  checkCopied(value);
  return structuredClone(value);
}

/** @throws DataCloneError for an instance of a class of the Worker's, which structuredClone makes plain. */
function checkCopied(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
    for (const item of [...value].flat()) checkCopied(item);
    return;
  }
  const isKnown =
    value instanceof Date ||
    value instanceof Error ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value);
  if (isKnown) return;
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    throw new DOMException("the value cannot be copied", "DataCloneError");
  }
  for (const item of Object.values(value)) checkCopied(item);
}

/** An error as it crosses: its name and message. */
function rpcError(cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(String(cause));
  const builtIns: Readonly<Record<string, ErrorConstructor>> = { TypeError, RangeError };
  const copy = new (builtIns[cause.name] ?? Error)(cause.message);
  return Object.assign(copy, { name: cause.name, remote: true });
}

/** The storage of a Durable Object: a SQLite database in memory, and the alarm. */
export class MemoryStorage {
  readonly database: DatabaseSync = new DatabaseSync(":memory:");
  /** What the next transaction fails with after its work is done, or the next alarm that is set. */
  failure: Error | undefined;
  transactions = 0;
  alarmUnixMs: number | null = null;
  /** Values by key, besides the database. */
  readonly #values = new Map<string, unknown>();
  #depth = 0;

  /** As the types of the runtime have it. */
  get storage(): DurableObjectStorage {
    return this as unknown as DurableObjectStorage;
  }

  readonly sql = {
    exec: (query: string, ...values: unknown[]): Cursor => {
      if (query.split("?").length - 1 !== values.length) {
        throw new Error("the query has another number of parameters");
      }
      const rows = this.database.prepare(query).all(...values.map(sqlValue));
      return new Cursor(rows.map(rowOf));
    },
  };

  transactionSync<T>(work: () => T): T {
    this.transactions += 1;
    const savepoint = `s${this.#depth}`;
    this.#depth += 1;
    this.database.exec(`SAVEPOINT ${savepoint}`);
    try {
      const answer = work();
      this.#failOnce();
      return answer;
    } catch (cause) {
      this.database.exec(`ROLLBACK TO ${savepoint}`);
      throw cause;
    } finally {
      this.database.exec(`RELEASE ${savepoint}`);
      this.#depth -= 1;
    }
  }

  async get(key: string): Promise<unknown> {
    return structuredClone(this.#values.get(key));
  }

  async put(key: string, value: unknown): Promise<void> {
    this.#values.set(key, structuredClone(value));
  }

  async getAlarm(): Promise<number | null> {
    return this.alarmUnixMs;
  }

  async setAlarm(time: number | Date): Promise<void> {
    const unixMs = Math.floor(Number(time));
    if (!(unixMs > 0)) throw new TypeError("there is no such time");
    this.#failOnce();
    this.alarmUnixMs = unixMs;
  }

  async deleteAlarm(): Promise<void> {
    this.alarmUnixMs = null;
  }

  #failOnce(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

type Row = Readonly<Record<string, unknown>>;

class Cursor implements Iterable<Row> {
  readonly #rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }

  [Symbol.iterator](): Iterator<Row> {
    return this.#rows[Symbol.iterator]();
  }

  toArray(): Row[] {
    return [...this.#rows];
  }

  one(): Row {
    const [row] = this.#rows;
    if (row === undefined || this.#rows.length > 1) throw new Error("there is not exactly one row");
    return row;
  }
}

function sqlValue(value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") throw new TypeError("a bigint cannot be stored");
  if (typeof value === "number" || typeof value === "string") return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return ArrayBuffer.isView(value) ? copyOf(value) : String(value);
}

/** A row as the runtime hands it out: blobs are buffers. */
function rowOf(row: Readonly<Record<string, unknown>>): Row {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? new Uint8Array(value).buffer : value,
  ]);
  return Object.fromEntries(entries) as Row;
}
