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
