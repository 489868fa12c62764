import { setTimeout as sleep } from "node:timers/promises";

/** Repeats a check until it passes; what it last failed with when that takes longer than `ms`. */
export async function eventually(check: () => Promise<void>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  for (;;) {
    try {
      await check();
      return;
    } catch (cause) {
      if (Date.now() > end) throw cause;
    }
    await sleep(100);
  }
}
