import { type CollectedEvent, droppedEvents, type Span, spansFromEvents } from "./spans.ts";

export interface TakeOptions {
  /** Number of invocations to wait for, including sub-requests to entrypoints. */
  readonly invocations?: number;
  readonly timeoutMs?: number;
}

interface Counts {
  readonly onsets: number;
  readonly outcomes: number;
  readonly events: number;
}

/**
 * Polls the collector until every invocation has ended, and returns their spans.
 *
 * @param ask sends a request to the collector and returns the JSON of the response.
 */
export async function takeSpans(
  ask: (path: string) => Promise<unknown>,
  { invocations = 1, timeoutMs = 5_000 }: TakeOptions = {},
): Promise<Span[]> {
  const deadline = performance.now() + timeoutMs;
  let seen = 0;
  for (;;) {
    const { onsets, outcomes, events } = (await ask("/counts")) as Counts;
    const isComplete = onsets >= invocations && onsets === outcomes;
    if (isComplete && events === seen) {
      break;
    }
    seen = events;
    if (performance.now() > deadline) {
      const left = spansFromEvents((await ask("/take")) as CollectedEvent[]);
      const running = left.filter((span) => span.isInvocation && !span.closed);
      const which = running.map((span) => span.name).join(", ") || "none";
      throw new Error(
        `After ${timeoutMs} ms ${outcomes} of ${Math.max(invocations, onsets)} invocations had ended; ` +
          `still running: ${which}.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const collected = (await ask("/take")) as CollectedEvent[];
  const dropped = droppedEvents(collected);
  if (dropped > 0) {
    throw new Error(`The runtime dropped ${dropped} tail events: send fewer spans at once.`);
  }
  return spansFromEvents(collected);
}
