import { shapeOf } from "../../base/values.ts";
import { CliError, usageError } from "../command.ts";

export type Json = Readonly<Record<string, unknown>>;

/** The configuration of one environment. */
export class Sections {
  readonly #config: Json;
  readonly #shownPath: string;
  readonly #path: readonly string[];
  readonly #own: Json;

  /**
   * @param environment Name of the environment. Default: the top level.
   * @throws CliError if the environment does not exist.
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

  /** The Worker's name. Wrangler appends the name of the environment to the top-level name. */
  get workerName(): string | undefined {
    const own = text(this.#own["name"]);
    const top = text(this.#config["name"]);
    const [, environment] = this.#path;
    return own ?? (top === undefined || environment === undefined ? top : `${top}-${environment}`);
  }

  /** Whether the project is one of Pages, which accepts only some settings. */
  get isPages(): boolean {
    return this.#config["pages_build_output_dir"] !== undefined;
  }

  /** The path of the Worker's main module, if there is one. */
  get main(): string | undefined {
    return text(this.#own["main"]) ?? text(this.#config["main"]);
  }

  /** Returns the path of a setting that environments do not inherit. */
  own(...path: readonly string[]): readonly string[] {
    return [...this.#path, ...path];
  }

  /** Returns the path of a setting that environments inherit, unless they override it. */
  inherited(key: string): readonly string[] {
    return Object.hasOwn(this.#own, key) ? this.own(key) : [key];
  }

  value(path: readonly string[]): unknown {
    return path.reduce<unknown>((value, key) => record(value)?.[key], this.#config);
  }

  /** Returns an object. Undefined if it is missing. */
  object(path: readonly string[]): Json | undefined {
    const value = this.value(path);
    if (value === undefined || record(value) !== undefined) return record(value);
    throw this.#wrong(path, value, "an object");
  }

  /** Returns a boolean. Undefined if it is missing. */
  boolean(path: readonly string[]): boolean | undefined {
    const value = this.value(path);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.#wrong(path, value, "true or false");
  }

  #wrong(path: readonly string[], value: unknown, wanted: string): CliError {
    return new CliError(
      `${this.#shownPath}: ${path.join(".")} is ${shapeOf(value)}; it has to be ${wanted}: correct the file first`,
    );
  }

  /** Returns the objects of a list. */
  list(path: readonly string[]): readonly Json[] {
    const value = this.value(path);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((item) => record(item) !== undefined)) return value;
    throw new CliError(
      `${this.#shownPath}: ${path.join(".")} has to be a list of objects: correct the file first`,
    );
  }
}

export function record(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

/** Returns a non-empty string. Undefined for any other value. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
