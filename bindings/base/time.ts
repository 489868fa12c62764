/** Returns milliseconds since the Unix epoch. On Workers in production the clock stands still between I/O. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Keeps the current invocation alive until the promise settles. Throws outside an invocation. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** A wait that can be cancelled. Only the invocation that started it may cancel it. */
export interface Sleep {
  readonly over: Promise<void>;
  cancel(): void;
}

/** Waits `ms` milliseconds in the current invocation. */
export function sleep(ms: number): Sleep {
  let cancel = () => {};
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    cancel = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { over, cancel };
}

/** Returns the result of a promise. Rejects if the promise takes longer than `ms` milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`isotel: it took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
