/** Milliseconds since the Unix epoch. Stands still between I/O on Workers in production. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Keeps the invocation that is running alive until the promise settles. Throws outside of one. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** A wait that can be broken off by the invocation it was started in. */
export interface Sleep {
  readonly over: Promise<void>;
  cancel(): void;
}

/** Waits so many milliseconds, in the invocation that runs. */
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

/** What a promise comes to; rejects when that takes longer than `ms`. */
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
