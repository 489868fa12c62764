import { shared } from "./shared.ts";

/**
 * Maximum number of logged messages. Some messages contain names or reasons from outside isotel, which may differ each
 * time.
 */
const maxMessages = 100;
const last =
  `isotel: ${maxMessages} different messages have been logged once; this isolate logs no ` +
  "further ones of their kind.";

/** Logs each message once, up to {@link maxMessages} messages. Logs a last line when it reaches the limit. */
export class LogOnce {
  readonly #keys = new Set<string>();
  readonly #log: (message: string, cause?: unknown) => void;

  /** @param log must not throw. */
  constructor(log: (message: string, cause?: unknown) => void) {
    this.#log = log;
  }

  /** Logs a message, unless a message with the same key has been logged. */
  log(key: string, message: string, cause?: unknown): void {
    if (this.#keys.has(key) || this.#keys.size >= maxMessages) return;
    this.#keys.add(key);
    const isLast = this.#keys.size === maxMessages;
    this.#log(message, cause);
    if (isLast) this.#log(last);
  }
}

const reports = shared("reports", () => ({ isReporting: false, once: new LogOnce(report) }));

/** Whether the console is printing a line of isotel. */
export function isPrinting(): boolean {
  return reports.isReporting;
}

/**
 * Logs a message with `console.error`. Never throws, even if the console does. Does nothing while the console is
 * handling a message of isotel: a custom console may call isotel.
 *
 * @param cause is logged after the message. Omit it if it may contain a user's content.
 */
export function report(message: string, cause?: unknown): void {
  if (cause === undefined) print("error", message);
  else print("error", message, cause);
}

/** Prints a line of isotel, which is not exported as a log record. Otherwise like {@link report}. */
export function print(method: "error" | "warn" | "log", ...line: readonly unknown[]): void {
  if (reports.isReporting) return;
  reports.isReporting = true;
  try {
    console[method](...line);
  } catch {
    // A custom console threw. Telemetry must not fail the program.
  } finally {
    reports.isReporting = false;
  }
}

/**
 * Logs a message with {@link report}, once per isolate. Use it wherever a feature is switched off or data is dropped. A
 * message from inside the console's own handler is not logged and does not count as logged.
 *
 * @param key Equal for messages of which only the first is logged. Default: the message.
 */
export function reportOnce(message: string, cause?: unknown, key: string = message): void {
  if (!reports.isReporting) reports.once.log(key, message, cause);
}
