/** The observer of an entry: the caller, or a callback, model or tool of the caller. */
export type Lane = "caller" | "callback" | "model" | "tool" | "signal" | "client";

/** The properties of an error that its receiver sees. */
export interface ErrorView {
  readonly kind: string;
  readonly name?: string;
  readonly message?: string;
  /** `type` of a plain object. Providers send such errors in their streams. */
  readonly type?: string;
  /** Whether it is the object that the case threw, or the reason of the caller's abort. */
  readonly is?: "fault" | "reason";
  readonly cause?: ErrorView;
}

/** One observation. */
export interface Entry {
  readonly lane: Lane;
  readonly what: string;
  /** The number of the call of the model or the tool. */
  readonly n?: number;
  readonly error?: ErrorView;
  readonly value?: unknown;
}

/** Everything that the caller and the caller's code saw of a call, in order. Contains nothing about spans. */
export class Log {
  readonly entries: Entry[] = [];
  fault: unknown;
  reason: unknown;

  add(
    lane: Lane,
    what: string,
    rest: Omit<Entry, "lane" | "what" | "error"> & { cause?: unknown } = {},
  ): void {
    const { n, value } = rest;
    this.entries.push({
      lane,
      what,
      ...(n === undefined ? {} : { n }),
      ...("cause" in rest ? { error: this.errorView(rest.cause) } : {}),
      ...(value === undefined ? {} : { value: viewOf(value, this) }),
    });
  }

  errorView(cause: unknown): ErrorView {
    const is =
      cause !== undefined && cause === this.fault
        ? { is: "fault" as const }
        : cause !== undefined && cause === this.reason
          ? { is: "reason" as const }
          : {};
    if (typeof cause !== "object" || cause === null) {
      return { kind: typeof cause, message: String(cause), ...is };
    }
    const { name, message, type, cause: inner, lastError } = cause as Record<string, unknown>;
    const nested = lastError ?? inner;
    return {
      kind: cause instanceof Error || cause instanceof DOMException ? "error" : "object",
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof message === "string" ? { message: message.slice(0, 200) } : {}),
      ...(typeof type === "string" ? { type } : {}),
      ...is,
      ...(nested === undefined ? {} : { cause: this.errorView(nested) }),
    };
  }
}

/** Keys whose values differ between two runs of one call. */
const volatile = new Set([
  "timestamp",
  "performance",
  "headers",
  "callId",
  "messageId",
  "approvalId",
  "toolExecutionMs",
  "stepTimeMs",
  "request",
  "messages",
  "responseMessages",
]);

/** Returns a value as JSON data, without the values that differ between two runs. */
function viewOf(value: unknown, log: Log): unknown {
  const json = JSON.stringify(value, (key, item: unknown) => {
    if (volatile.has(key)) return undefined;
    if (item instanceof Error) return log.errorView(item);
    if (item instanceof Uint8Array) return `${item.byteLength} bytes`;
    if (typeof item === "bigint") return String(item);
    if (key === "id" && typeof item === "string") return item.replace(/^(ai\w+-).*/, "$1");
    return item;
  });
  return json === undefined ? String(value) : (JSON.parse(json) as unknown);
}
