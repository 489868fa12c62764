import type { BackendName, Destination, Signal } from "../backends/backend.ts";
import type { OtlpFormat } from "../core/model.ts";
import { BoundedQueue, type Entry } from "./bounded_queue.ts";
import { type Circuit, graceMs } from "./circuit.ts";
import { type SenderOptions, send } from "./sender.ts";
import { type DropReason, type ExportCounts, Tally } from "./tally.ts";

/** What an encoder has to know of a destination. */
export type EncodedFor = Pick<Destination, "dialect" | "resource">;

/** Encodes items as one request. May throw. The next call may overwrite the returned bytes. */
export type Encode<T> = (
  items: readonly T[],
  format: OtlpFormat,
  destination: EncodedFor,
) => Uint8Array;

/** What a {@link SignalExporter} sends, and where. */
export interface SignalOptions<T> {
  readonly backend: BackendName;
  readonly signal: Signal;
  readonly destination: Destination;
  readonly circuit: Circuit;
  readonly encode: Encode<T>;
  /** Maximum number of queued items. Default: 2,048. */
  readonly maxQueued?: number | undefined;
}

const defaultMaxQueued = 2_048;
const maxBatch = 512;
/** No further request is started while this many items are in open requests, because they take up memory. */
const maxSending = 2_048;
/** Maximum number of UTF-16 units of queued text. An isolate has 128 MB for everything. */
const maxQueuedUnits = 16_000_000;
/** An item that is older is dropped. Backends refuse old data, and nobody looks for it. */
const maxAgeMs = 3_600_000;
/**
 * An attempt with less time is not worthwhile. No further request is started while another one is open for longer,
 * because the backend may hang and would hold each invocation.
 */
const slowMs = 1_000;

/** One open request. */
interface Sending<T> {
  readonly entries: readonly Entry<T>[];
  readonly sinceUnixMs: number;
  readonly deadlineUnixMs: number;
}

/**
 * Sends one signal to one backend. Items wait in a bounded queue. A flush sends the queued items in the context of the
 * invocation that called it, including items of other invocations. Items whose request failed temporarily return to
 * their places in the queue. Never throws.
 */
export class SignalExporter<T> {
  readonly #signal: SignalOptions<T>;
  readonly #options: SenderOptions;
  readonly #tally: Tally;
  readonly #queue: BoundedQueue<T>;
  readonly #sending = new Set<Sending<T>>();
  /** Number of items of the next request. Smaller after items that did not fit into one. */
  #batch = maxBatch;

  constructor(signal: SignalOptions<T>, options: SenderOptions) {
    this.#signal = signal;
    this.#options = options;
    this.#tally = new Tally(signal.backend, signal.signal);
    const limits = { items: signal.maxQueued ?? defaultMaxQueued, size: maxQueuedUnits };
    this.#queue = new BoundedQueue(limits, (count) => this.#tally.drop("queue_full", count));
  }

  /** Whether the queue has enough items for a full request, and the backend is available. */
  get isBatchFull(): boolean {
    return this.#queue.length >= maxBatch && this.#signal.circuit.isClosed;
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
    if (size > this.#signal.destination.maxBytes) {
      this.drop("too_large");
      return;
    }
    this.#tally.made += 1;
    this.#queue.push(item, size, this.#options.clock());
  }

  /** Counts an item that is not queued. */
  drop(reason: DropReason): void {
    this.#tally.made += 1;
    this.#tally.drop(reason, 1);
  }

  /**
   * Sends all queued items. Returns without sending if the backend is not available before the deadline, or if another
   * invocation waits for it. The items then wait for the next flush.
   *
   * @param deadlineUnixMs Time at which the invocation is no longer held.
   */
  async flush(deadlineUnixMs: number): Promise<void> {
    const { clock } = this.#options;
    const { circuit } = this.#signal;
    const latestUnixMs = Math.max(deadlineUnixMs - slowMs, clock());
    for (;;) {
      const now = clock();
      this.#settle(now);
      if (this.isEmpty || now > latestUnixMs) return;
      if (!circuit.isClosed) {
        if (!(await this.#probe(latestUnixMs, deadlineUnixMs))) return;
        continue;
      }
      const requests: Promise<void>[] = [];
      while (this.#maySend(now)) {
        const request = this.#sendNext(deadlineUnixMs);
        if (request === undefined) break;
        requests.push(request);
      }
      if (requests.length === 0) return;
      await Promise.all(requests);
    }
  }

  counts(): ExportCounts {
    this.#settle(this.#options.clock());
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
    for (const { entries } of this.#sending) sending += entries.length;
    return sending;
  }

  #maySend(now: number): boolean {
    for (const { sinceUnixMs } of this.#sending) if (now - sinceUnixMs > slowMs) return false;
    return this.#sendingCount < maxSending;
  }

  /** Waits until the next attempt is due and makes it. Returns whether it was made. */
  async #probe(latestUnixMs: number, deadlineUnixMs: number): Promise<boolean> {
    const { clock, sleep } = this.#options;
    const { circuit } = this.#signal;
    const turn =
      circuit.dueUnixMs <= latestUnixMs ? circuit.takeTurn(clock(), deadlineUnixMs) : undefined;
    if (turn === undefined) return false;
    try {
      for (;;) {
        const now = clock();
        const { dueUnixMs } = circuit;
        if (Math.max(now, dueUnixMs) > latestUnixMs) return false;
        if (now >= dueUnixMs) break;
        await sleep(dueUnixMs - now);
      }
      const request = this.#sendNext(deadlineUnixMs);
      await request;
      return request !== undefined;
    } finally {
      circuit.leave(turn);
    }
  }

  /**
   * Sends the oldest items that fit into one request. Returns undefined if none is left. Drops an item that does not
   * fit or cannot be encoded.
   */
  #sendNext(deadlineUnixMs: number): Promise<void> | undefined {
    const { destination, encode } = this.#signal;
    for (;;) {
      const entries = this.#queue.take(this.#batch, destination.maxBytes);
      if (entries.length === 0) return undefined;
      // The encoder calls getters of the user, which may read the counts.
      const sending = { entries, sinceUnixMs: this.#options.clock(), deadlineUnixMs };
      this.#sending.add(sending);
      let body: Uint8Array | undefined;
      try {
        body = encode(
          entries.map(({ item }) => item),
          destination.format,
          destination,
        );
      } catch {
        // One item that cannot be encoded must not affect the others.
      }
      if (body !== undefined && body.length <= destination.maxBytes) {
        this.#batch = Math.min(this.#batch * 2, maxBatch);
        return this.#send(sending, body);
      }
      this.#sending.delete(sending);
      if (entries.length === 1) {
        this.#tally.drop(body === undefined ? "not_encoded" : "too_large", 1);
        this.#batch = maxBatch;
      } else {
        this.#queue.putBack(entries);
        this.#batch = entries.length >> 1;
      }
    }
  }

  async #send(sending: Sending<T>, body: Uint8Array): Promise<void> {
    const { circuit, destination } = this.#signal;
    const { clock, random } = this.#options;
    const { epoch } = circuit;
    const outcome = await send(destination, body, sending.deadlineUnixMs, this.#options);
    const { result, retryAfterMs } = outcome;
    if (result === "unavailable") circuit.failed(epoch, clock(), retryAfterMs, random);
    else circuit.answered(epoch);
    // The items have already returned to the queue.
    if (!this.#sending.delete(sending)) return;
    this.#tally.answered(outcome, sending.entries.length);
    if (result === "unavailable") this.#queue.putBack(sending.entries);
  }

  /** Takes back the items of invocations that were ended, and drops those that are too old. */
  #settle(now: number): void {
    for (const sending of this.#sending) {
      if (now <= sending.deadlineUnixMs + graceMs) continue;
      this.#sending.delete(sending);
      this.#queue.putBack(sending.entries);
    }
    this.#tally.drop("unavailable", this.#queue.removeBefore(now - maxAgeMs));
  }
}
