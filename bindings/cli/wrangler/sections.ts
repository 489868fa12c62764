import { CliError, usageError } from "../command.ts";

export type Json = Readonly<Record<string, unknown>>;

/** A configuration as one environment of it sees it. */
export class Sections {
  readonly #config: Json;
  readonly #shownPath: string;
  readonly #path: readonly string[];
  readonly #own: Json;

  /**
   * @param environment its name; the top level unless given.
   * @throws CliError where there is no such environment.
   */
  constructor(config: Json, environment: string | undefined, shownPath: string) {
    this.#config = config;
    this.#shownPath = shownPath;
    this.#path = environment === undefined ? [] : ["env", environment];
    const environments = record(config["env"]) ?? {};
    const own = environment === undefined ? config : record(environments[environment]);
    if (own === undefined) {
      const names = Object.keys(environments);
      const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
      throw usageError(`${shownPath} has no environment "${environment}": ${known}`);
    }
    this.#own = own;
  }

  /** The Worker's name. Wrangler appends the environment's to the one of the top level. */
  get workerName(): string | undefined {
    const own = text(this.#own["name"]);
    const top = text(this.#config["name"]);
    const [, environment] = this.#path;
    return own ?? (top === undefined || environment === undefined ? top : `${top}-${environment}`);
  }

  /** Where something stands that environments do not inherit. */
  own(...path: readonly string[]): readonly string[] {
    return [...this.#path, ...path];
  }

  /** Where something stands that environments inherit unless they have their own. */
  inherited(key: string): readonly string[] {
    return Object.hasOwn(this.#own, key) ? this.own(key) : [key];
  }

  value(path: readonly string[]): unknown {
    return path.reduce<unknown>((value, key) => record(value)?.[key], this.#config);
  }

  /** The objects of a list. */
  list(path: readonly string[]): readonly Json[] {
    const value = this.value(path);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((item) => record(item) !== undefined)) return value;
    throw new CliError(
      `${this.#shownPath}: ${path.join(".")} has to be a list of objects: repair it first`,
    );
  }
}

export function record(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

/** A string that is not empty. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
