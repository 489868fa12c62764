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
