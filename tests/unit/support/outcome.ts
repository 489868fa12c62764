/** How a call ended. */
export interface Outcome {
  readonly how: "returned" | "threw" | "fulfilled" | "rejected";
  readonly value: unknown;
}

/** Runs `body` and tells how it ended; a promise is waited for. */
export async function outcomeOf(body: () => unknown): Promise<Outcome> {
  let value: unknown;
  try {
    value = body();
  } catch (cause) {
    return { how: "threw", value: cause };
  }
  if (!isPromise(value)) return { how: "returned", value };
  try {
    return { how: "fulfilled", value: await value };
  } catch (cause) {
    return { how: "rejected", value: cause };
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise;
  } catch {
    return false;
  }
}
