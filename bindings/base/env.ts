/** Variables by name: the `env` of a Worker, or `process.env`. Values other than strings count as absent. */
export type Environment = Readonly<Record<string, unknown>>;

/** Returns the variables of the process. Workers have them too with `nodejs_compat`. */
export function variables(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {};
}

/** Returns a variable without surrounding white space, or undefined if it is absent or blank. Never throws. */
export function variableOf(env: Environment, name: string): string | undefined {
  let value: unknown;
  try {
    value = env[name];
  } catch {
    // A getter of an env that the caller made.
  }
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** The key for handlers that were called without an `env`. */
const noEnv = {};

/** Computes a value once for each `env` of a Worker. */
export class PerEnv<T> {
  readonly #read: (env: unknown) => T;
  readonly #known = new WeakMap<object, { readonly value: T }>();

  constructor(read: (env: unknown) => T) {
    this.#read = read;
  }

  of(env: unknown): T {
    const key = typeof env === "object" && env !== null ? env : noEnv;
    const known = this.#known.get(key);
    if (known !== undefined) return known.value;
    const value = this.#read(env);
    this.#known.set(key, { value });
    return value;
  }
}
