/** Variables by name: the `env` of a Worker, or `process.env`. What is no text is taken as absent. */
export type Environment = Readonly<Record<string, unknown>>;

/** The variables of the process, which Workers have as well with nodejs_compat. */
export function variables(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {};
}

/** A variable that is there and not empty, without white space around it. Never throws. */
export function variableOf(env: Environment, name: string): string | undefined {
  let value: unknown;
  try {
    value = env[name];
  } catch {
    // An env of the caller's own making.
  }
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** Stands for the `env` of a handler that was called without one. */
const noEnv = {};

/** What one `env` of a Worker comes to, read once. */
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
