import assert from "node:assert/strict";

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The diagnostics of an app with the route /diagnostics once nothing is on its way to a backend. At any time what was
 * made has to be accounted for.
 */
export async function settledCounts(app: {
  fetch(path: string): Promise<Response>;
}): Promise<Record<string, number>> {
  for (let i = 0; i < 200; i += 1) {
    const response = await app.fetch("/diagnostics");
    const counts = (await response.json()) as Record<string, number>;
    const { otlp_made = 0, otlp_accepted = 0, otlp_queued = 0, otlp_sending = 0 } = counts;
    const dropped = Object.entries(counts)
      .filter(([name]) => name.startsWith("otlp_dropped_"))
      .reduce((sum, [, count]) => sum + count, 0);
    assert.equal(otlp_made, otlp_accepted + dropped + otlp_queued + otlp_sending);
    if (otlp_queued + otlp_sending === 0) return counts;
    await pause(25);
  }
  throw new Error("something is still being sent");
}
