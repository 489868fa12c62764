import type { Destination } from "../backends/backend.ts";
import type { OtlpFormat } from "../core/model.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import { type SenderOptions, send } from "./sender.ts";
import { type ExportCounts, Tally } from "./tally.ts";

/** Encodes items as one request. May throw. The next call may overwrite the returned bytes. */
export type Encode<T> = (items: readonly T[], format: OtlpFormat) => Uint8Array;

const defaultMaxQueued = 2_048;
const maxBatch = 512;
/**
 * No further request is started while this many items are in open requests. Otherwise a backend that is down would fill
 * the isolate's memory.
 */
const maxSending = 2_048;
/** Maximum number of UTF-16 units of queued text. An isolate has 128 MB for everything. */
const maxQueuedUnits = 16_000_000;
/** A request that is open for longer is lost: the runtime ends an invocation 30 s after its response. */
const sendingTimeoutMs = 60_000;

/** The items of one open request. */
interface Sending {
  readonly count: number;
  readonly sinceUnixMs: number;
}

/**
 * Sends one signal to one backend. Items wait in a bounded queue. A flush sends the queued items in the context of the
 * invocation that called it, including items of other invocations. Never throws.
 */
export class SignalExporter<T> {
  readonly destination: Destination;
  readonly #encode: Encode<T>;
  readonly #options: SenderOptions;
  readonly #tally: Tally;
  readonly #queue: BoundedQueue<T>;
  readonly #sending = new Set<Sending>();
  #pausedUntilUnixMs = 0;

  /** @param maxQueued Maximum number of queued items. */
  constructor(
    destination: Destination,
    encode: Encode<T>,
    options: SenderOptions,
    maxQueued: number = defaultMaxQueued,
  ) {
    this.destination = destination;
    this.#encode = encode;
    this.#options = options;
    this.#tally = new Tally(destination.url);
    const limits = { items: maxQueued, size: maxQueuedUnits };
    this.#queue = new BoundedQueue(limits, (count) => this.#tally.drop("queue_full", count));
  }

  /** Whether the queue has enough items for a full request. */
  get isBatchFull(): boolean {
    return this.#queue.length >= maxBatch;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /**
   * Queues an item.
   *
   * @param size Lower bound of its encoded bytes, such as the UTF-16 units of its texts.
   */
  add(item: T, size: number): void {
    this.#tally.made += 1;
    if (size > this.destination.maxBytes) this.#tally.drop("too_large", 1);
    else this.#queue.push(item, size);
  }

  /**
   * Sends all queued items. Sends nothing while the backend has asked for a pause.
   *
   * @param deadlineUnixMs Time at which the runtime may end the invocation.
   */
  async flush(deadlineUnixMs: number): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const now = clock();
      this.#giveUpLost(now);
      if (now < this.#pausedUntilUnixMs || now > deadlineUnixMs) return;
      const requests: Promise<void>[] = [];
      while (!this.isEmpty && this.#sendingCount < maxSending) {
        const batch = this.#queue.take(maxBatch, this.destination.maxBytes);
        requests.push(...this.#sendBatch(batch, deadlineUnixMs));
      }
      if (requests.length === 0) return;
      await Promise.all(requests);
    }
  }

  counts(): ExportCounts {
    this.#giveUpLost(this.#options.clock());
    const { made, accepted, dropped, requests, lastStatus } = this.#tally;
    return {
      made,
      accepted,
      queued: this.#queue.length,
      sending: this.#sendingCount,
      dropped: { ...dropped },
      requests,
      lastStatus,
    };
  }

  get #sendingCount(): number {
    let sending = 0;
    for (const { count } of this.#sending) sending += count;
    return sending;
  }

  /**
   * Encodes a batch and sends it. Splits the batch into halves if it is too large for one request or cannot be encoded.
   */
  #sendBatch(batch: readonly T[], deadlineUnixMs: number): Promise<void>[] {
    let body: Uint8Array | undefined;
    try {
      body = this.#encode(batch, this.destination.format);
    } catch {
      // One item that cannot be encoded must not affect the others.
    }
    if (body !== undefined && body.length <= this.destination.maxBytes) {
      return [this.#send(body, batch.length, deadlineUnixMs)];
    }
    if (batch.length === 1) {
      this.#tally.drop(body === undefined ? "not_encoded" : "too_large", 1);
      return [];
    }
    const half = batch.length >> 1;
    return [batch.slice(0, half), batch.slice(half)].flatMap((part) =>
      this.#sendBatch(part, deadlineUnixMs),
    );
  }

  async #send(body: Uint8Array, count: number, deadlineUnixMs: number): Promise<void> {
    const sending: Sending = { count, sinceUnixMs: this.#options.clock() };
    this.#sending.add(sending);
    const outcome = await send(this.destination, body, deadlineUnixMs, this.#options);
    // The request was already counted as lost.
    if (!this.#sending.delete(sending)) return;
    const tally = this.#tally;
    tally.requests += outcome.requests;
    tally.lastStatus = outcome.status;
    if (outcome.pauseMs > 0) this.#pausedUntilUnixMs = this.#options.clock() + outcome.pauseMs;
    if (outcome.dropped !== undefined) {
      tally.drop(outcome.dropped, count);
      return;
    }
    const rejected = Math.min(outcome.rejected, count);
    tally.accepted += count - rejected;
    tally.drop("rejected", rejected);
  }

  /** Counts items of abandoned requests as lost. An invocation that ends during a request runs no further code. */
  #giveUpLost(now: number): void {
    for (const sending of this.#sending) {
      if (now - sending.sinceUnixMs <= sendingTimeoutMs) continue;
      this.#sending.delete(sending);
      this.#tally.drop("lost", sending.count);
    }
  }
}
