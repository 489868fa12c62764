import { type Environment, variableOf } from "../../base/env.ts";

type Options = Readonly<Record<string, unknown>>;

/** What a header may hold; a line break in a key is the usual mistake. */
const headerValue = /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Options and the variables that stand in for them. What is wrong is noted, to be told all at once; values are never
 * part of what is told, they may be keys.
 */
export class Settings {
  /** What is wrong, one sentence each. */
  readonly problems: string[] = [];
  readonly #options: Options;
  readonly #env: Environment;

  constructor(options: object, env: Environment) {
    this.#options = options as Options;
    this.#env = env;
  }

  /** Notes what is wrong. */
  refuse(problem: string): void {
    this.problems.push(problem);
  }

  option(name: string): unknown {
    return this.#options[name];
  }

  /** A variable that is there and not empty. */
  variable(name: string): string | undefined {
    return variableOf(this.#env, name);
  }

  /** The text of an option, or else of the first variable there is. */
  text(option: string, ...variables: readonly string[]): string | undefined {
    const given = this.#options[option];
    if (typeof given === "string" && given !== "") return given;
    if (given !== undefined && given !== null && given !== "") {
      this.refuse(`${option} has to be a text; it is of type ${typeof given}`);
      return undefined;
    }
    for (const variable of variables) {
      const value = this.variable(variable);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** The same, of what must be there. Empty when it is not. */
  needed(option: string, ...variables: readonly string[]): string {
    const before = this.problems.length;
    const found = this.text(option, ...variables);
    if (found === undefined && this.problems.length === before) {
      this.refuse(`${option} is missing: give ${sourcesOf(option, variables)}`);
    }
    return found ?? "";
  }

  /** A text that goes out as the value of a header. */
  neededHeader(option: string, ...variables: readonly string[]): string {
    const value = this.needed(option, ...variables);
    if (value !== "") this.checkHeader(`${option} (${sourcesOf(option, variables)})`, value);
    return value;
  }

  /** The same, of what may be missing. */
  optionalHeader(option: string, ...variables: readonly string[]): string | undefined {
    const value = this.text(option, ...variables);
    if (value !== undefined) this.checkHeader(`${option} (${sourcesOf(option, variables)})`, value);
    return value;
  }

  checkHeader(what: string, value: string): void {
    if (!headerValue.test(value)) {
      this.refuse(`${what} holds characters that no header can carry, such as a line break`);
    }
  }

  /** One of a few texts; `otherwise` when nothing is given, and when what is given is none of them. */
  choice<T extends string>(what: string, value: unknown, choices: readonly T[], otherwise: T): T {
    if (value === undefined || value === null) return otherwise;
    if (choices.includes(value as T)) return value as T;
    this.refuse(`${what} has to be one of ${choices.join(", ")}`);
    return otherwise;
  }

  /** A whole number of a range. */
  integer(what: string, value: unknown, least: number, most: number, otherwise: number): number {
    if (value === undefined || value === null) return otherwise;
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number === "number" && Number.isInteger(number) && number >= least && number <= most)
      return number;
    this.refuse(`${what} has to be a whole number from ${least} to ${most}`);
    return otherwise;
  }

  /** Headers of an option, by lower-case name. */
  headers(option: string): Record<string, string> {
    const given = this.#options[option];
    const headers: Record<string, string> = {};
    if (given === undefined || given === null) return headers;
    if (typeof given !== "object" || Array.isArray(given)) {
      this.refuse(`${option} has to be an object of header names and values`);
      return headers;
    }
    for (const [name, value] of Object.entries(given as Options)) {
      this.#addHeader(option, headers, name, value);
    }
    return headers;
  }

  /** Headers of a variable: `name=value,name=value`, the values percent-encoded. */
  headersOf(variable: string): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [name, value] of this.pairs(variable)) {
      this.#addHeader(variable, headers, name, value);
    }
    return headers;
  }

  /** The pairs of a variable `key=value,key=value`, decoded. */
  pairs(variable: string): [string, string][] {
    const pairs: [string, string][] = [];
    for (const part of (this.variable(variable) ?? "").split(",")) {
      if (part.trim() === "") continue;
      const at = part.indexOf("=");
      const key = at < 0 ? "" : part.slice(0, at).trim();
      try {
        if (key === "") throw new URIError();
        pairs.push([decodeURIComponent(key), decodeURIComponent(part.slice(at + 1).trim())]);
      } catch {
        this.refuse(`${variable} has to be key=value,key=value with percent-encoded values`);
        return [];
      }
    }
    return pairs;
  }

  #addHeader(source: string, headers: Record<string, string>, name: string, value: unknown): void {
    if (!headerName.test(name)) this.refuse(`${source} has a name that no header can have`);
    else if (typeof value !== "string") this.refuse(`${source}: ${name} has to be a text`);
    else {
      this.checkHeader(`${source}: ${name}`, value);
      headers[name.toLowerCase()] = value;
    }
  }
}

function sourcesOf(option: string, variables: readonly string[]): string {
  const named = variables.map((name) => `the variable ${name}`);
  return [`the option ${option}`, ...named].join(" or ");
}
