/** A limit, because some messages hold names or reasons that are not isotel's and may be different every time. */
const maxMessages = 100;
const last = `isotel: ${maxMessages} different messages have been logged once; this isolate logs no further ones of their kind.`;

/** Logs each message once, up to a limit. At the limit it logs that no more will follow. */
export class LogOnce {
  readonly #keys = new Set<string>();
  readonly #log: (message: string, cause?: unknown) => void;

  /** @param log must not throw. */
  constructor(log: (message: string, cause?: unknown) => void) {
    this.#log = log;
  }

  /** Logs a message unless one with its key has been logged. */
  log(key: string, message: string, cause?: unknown): void {
    if (this.#keys.has(key) || this.#keys.size >= maxMessages) return;
    this.#keys.add(key);
    const isLast = this.#keys.size === maxMessages;
    this.#log(message, cause);
    if (isLast) this.#log(last);
  }
}

const told = new LogOnce(report);
let isReporting = false;

/**
 * Logs a message with `console.error`. Never throws, whatever the console does. A console that reports by itself is not
 * called from within.
 *
 * @param cause is logged beside the message. Leave it out where it may hold a user's content.
 */
export function report(message: string, cause?: unknown): void {
  if (isReporting) return;
  isReporting = true;
  try {
    if (cause === undefined) console.error(message);
    else console.error(message, cause);
  } catch {
    // A console of the user's own that fails is not the program's business.
  } finally {
    isReporting = false;
  }
}

/**
 * Like {@link report}, the first time this isolate gives the message. Use it wherever something is switched off or data
 * is dropped. A message from within the console is logged the next time.
 */
export function reportOnce(message: string, cause?: unknown): void {
  if (!isReporting) told.log(message, message, cause);
}
