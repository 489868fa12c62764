/** Past so many different messages nothing more is logged: some of them hold names that are not isotel's. */
const maxMessages = 100;

const told = new Set<string>();
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
 * The same, the first time this isolate gives the message. Whatever switches something off or drops data says so with
 * this. A message from within the console is logged the next time.
 */
export function reportOnce(message: string, cause?: unknown): void {
  if (isReporting || told.has(message) || told.size >= maxMessages) return;
  told.add(message);
  report(message, cause);
}
