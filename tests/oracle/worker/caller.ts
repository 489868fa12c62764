import type { Case } from "../dimensions.ts";
import type { Log } from "../log.ts";

const timeoutMs = 100;
const never = new Promise<never>(() => {});

/** An error class of the caller. */
class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** The influence of the caller on a call: a fault at one place, and the end at one time. */
export class Caller {
  readonly case: Case;
  readonly log: Log;
  readonly signal: AbortSignal | undefined;
  readonly timeout: unknown;
  readonly #controller = new AbortController();
  #hasEnded = false;
  #isRetried = false;

  constructor(value: Case, log: Log) {
    this.case = value;
    this.log = log;
    const { ender } = value;
    log.fault = faultOf(value);
    if (ender.startsWith("abort")) {
      this.signal = this.#controller.signal;
      log.reason = reasonOf(ender);
    } else if (ender === "AbortSignal.timeout") {
      this.signal = AbortSignal.timeout(timeoutMs);
    }
    const limits: Readonly<Record<string, object>> = {
      "timeout total": { totalMs: timeoutMs },
      "timeout step": { stepMs: timeoutMs },
      "timeout chunk": { chunkMs: timeoutMs },
      "timeout tool": { toolMs: timeoutMs },
    };
    this.timeout = limits[ender];
    this.signal?.addEventListener("abort", () =>
      log.add("signal", "aborted", { cause: this.signal?.reason }),
    );
  }

  /** Ends the call if this is the time of its end. `signal` is the signal that the SDK passed to the caller's code. */
  async point(when: Case["when"], signal?: AbortSignal): Promise<void> {
    const { ender, obeys } = this.case;
    if (this.case.when !== when || this.#hasEnded) return;
    this.#hasEnded = true;
    if (ender.startsWith("abort")) {
      this.#abort();
      if (obeys) signal?.throwIfAborted();
    } else if (ender.includes("timeout") || ender === "AbortSignal.timeout") {
      await aborted(signal);
      if (obeys) signal?.throwIfAborted();
    }
  }

  #abort(): void {
    const { reason } = this.log;
    if (reason === undefined) this.#controller.abort();
    else this.#controller.abort(reason);
    this.log.reason = this.#controller.signal.reason;
  }

  /** Whether the caller leaves a stream at this time. */
  leaves(when: Case["when"]): boolean {
    return this.case.when === when && ["break", "cancel", "tee"].includes(this.case.ender);
  }

  /** Whether the fault of the case is at this place. */
  fails(place: Case["place"], step?: number): boolean {
    return this.case.place === place && (step === undefined || this.case.step === step);
  }

  /** Throws the fault of the case if this is its place. */
  async fail(place: Case["place"], step?: number, signal?: AbortSignal): Promise<void> {
    if (!this.fails(place, step)) return;
    const { fault, obeys } = this.case;
    if (fault === "retryable") {
      if (this.#isRetried) return;
      this.#isRetried = true;
    }
    if (fault === "never") {
      if (!obeys) await never;
      await aborted(signal);
      signal?.throwIfAborted();
    }
    if (fault === "late") await scheduler.wait(2);
    throw this.log.fault;
  }
}

/** Resolves when a signal has aborted. */
export async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

function reasonOf(ender: Case["ender"]): unknown {
  switch (ender) {
    case "abort text":
      return "user stop";
    case "abort Error":
      return new Error("stopped by the user");
    case "abort own class":
      return new ClientGone("the client has gone");
    default:
      return undefined;
  }
}

function faultOf({ fault, place }: Case): unknown {
  switch (fault) {
    case "none":
    case "never":
      return undefined;
    case "TypeError":
      return new TypeError("a fault");
    case "own class":
      return Object.assign(new RangeError("a fault"), { name: "QuotaExceeded" });
    case "non-error":
      return place === "inBand" ? { type: "overloaded_error", message: "a fault" } : "a fault";
    case "frozen":
      return Object.freeze(new RangeError("a fault"));
    case "AbortError":
      return new DOMException("a fault", "AbortError");
    case "TimeoutError":
      return new DOMException("a fault", "TimeoutError");
    default:
      return new Error("a fault");
  }
}
