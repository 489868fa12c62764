import { type Environment, variableOf } from "../../base/env.ts";
import { shapeOf } from "../../base/values.ts";

type Options = Readonly<Record<string, unknown>>;

/** A valid header value. A line break inside a key is the most frequent mistake. */
const headerValue = /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Options, and the variables that supply options that are not set. Collects all problems, so that one error can name
 * them all. A message never quotes a string, because it may be a key.
 */
export class Settings {
  /** The problems so far, one sentence each. */
  readonly problems: string[] = [];
  readonly #options: Options;
  readonly #env: Environment;

  constructor(options: object, env: Environment) {
    this.#options = options as Options;
    this.#env = env;
  }

  /** Records a problem. */
  refuse(problem: string): void {
    this.problems.push(problem);
  }

  option(name: string): unknown {
    return this.#options[name];
  }

  /** Returns a variable. Returns undefined if it is missing or empty. */
  variable(name: string): string | undefined {
    return variableOf(this.#env, name);
  }

  /** Returns the text of an option, else the text of the first variable that is set. */
  text(option: string, ...variables: readonly string[]): string | undefined {
    const given = this.#options[option];
    if (typeof given === "string" && given !== "") return given;
    if (given !== undefined && given !== null && given !== "") {
      this.refuse(`${option} is of type ${typeof given}; it has to be a string`);
      return undefined;
    }
    for (const variable of variables) {
      const value = this.variable(variable);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Like {@link text}, for a required option. Records a problem and returns an empty text if it is missing. */
  needed(option: string, ...variables: readonly string[]): string {
    const before = this.problems.length;
    const found = this.text(option, ...variables);
    if (found === undefined && this.problems.length === before) {
      this.refuse(`${option} is missing: set ${sourcesOf(option, variables)}`);
    }
    return found ?? "";
  }

  /** Like {@link needed}, for a text that is sent as a header value. */
  neededHeader(option: string, ...variables: readonly string[]): string {
    const value = this.needed(option, ...variables);
    if (value !== "") this.checkHeader(`${option} (${sourcesOf(option, variables)})`, value);
    return value;
  }

  /** Like {@link text}, for a text that is sent as a header value. */
  optionalHeader(option: string, ...variables: readonly string[]): string | undefined {
    const value = this.text(option, ...variables);
    if (value !== undefined) this.checkHeader(`${option} (${sourcesOf(option, variables)})`, value);
    return value;
  }

  checkHeader(what: string, value: string): void {
    if (value !== "" && !headerValue.test(value)) {
      this.refuse(
        `${what} contains characters that are not allowed in a header, such as a line break`,
      );
    }
  }

  /**
   * Returns one of `choices`. Returns `otherwise` if the value is missing or invalid, and records a problem if it is
   * invalid.
   */
  choice<T extends string>(what: string, value: unknown, choices: readonly T[], otherwise: T): T {
    if (value === undefined || value === null) return otherwise;
    if (choices.includes(value as T)) return value as T;
    this.refuse(`${what} is ${shapeOf(value)}; it has to be one of ${choices.join(", ")}`);
    return otherwise;
  }

  /** Returns an integer from `least` to `most`. Returns `otherwise` if the value is missing or invalid. */
  integer(what: string, value: unknown, least: number, most: number, otherwise: number): number {
    if (value === undefined || value === null) return otherwise;
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number === "number" && Number.isInteger(number) && number >= least && number <= most)
      return number;
    this.refuse(
      `${what} is ${shapeOf(value)}; it has to be a whole number from ${least} to ${most}`,
    );
    return otherwise;
  }

  /** Returns the headers of an option by lower-case name. */
  headers(option: string): Record<string, string> {
    const given = this.#options[option];
    const headers: Record<string, string> = {};
    if (given === undefined || given === null) return headers;
    if (typeof given !== "object" || Array.isArray(given)) {
      this.refuse(
        `${option} is ${shapeOf(given)}; it has to be an object of header names and values`,
      );
      return headers;
    }
    for (const [name, value] of Object.entries(given as Options)) {
      this.#addHeader(option, headers, name, value);
    }
    return headers;
  }

  /** Returns the headers of a variable `name=value,name=value` with percent-encoded values. */
  headersOf(variable: string): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [name, value] of this.pairs(variable)) {
      this.#addHeader(variable, headers, name, value);
    }
    return headers;
  }

  /**
   * Returns the decoded pairs of a variable `key=value,key=value`. Returns none if one is invalid.
   *
   * @param refuse Takes the problem. Default: {@link refuse}.
   */
  pairs(
    variable: string,
    refuse: (problem: string) => void = (problem) => this.refuse(problem),
  ): [string, string][] {
    const pairs: [string, string][] = [];
    for (const part of (this.variable(variable) ?? "").split(",")) {
      if (part.trim() === "") continue;
      const at = part.indexOf("=");
      const key = at < 0 ? "" : part.slice(0, at).trim();
      try {
        if (key === "") throw new URIError();
        pairs.push([decodeURIComponent(key), decodeURIComponent(part.slice(at + 1).trim())]);
      } catch {
        refuse(`${variable} has to be key=value,key=value with percent-encoded values`);
        return [];
      }
    }
    return pairs;
  }

  #addHeader(source: string, headers: Record<string, string>, name: string, value: unknown): void {
    if (!headerName.test(name)) this.refuse(`${source} has an invalid header name`);
    else if (typeof value !== "string")
      this.refuse(`${source}: ${name} is of type ${typeof value}; it has to be a string`);
    else {
      this.checkHeader(`${source}: ${name}`, value);
      headers[name.toLowerCase()] = value;
    }
  }
}

/** Whether the standard variable switches all exports off. Only `true` does, in any case. */
export function isSdkDisabled(env: Environment): boolean {
  return variableOf(env, "OTEL_SDK_DISABLED")?.toLowerCase() === "true";
}

function sourcesOf(option: string, variables: readonly string[]): string {
  const named = variables.map((name) => `the variable ${name}`);
  return [`the option ${option}`, ...named].join(" or ");
}
