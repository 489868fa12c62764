import { maskSecrets } from "../base/address.ts";
import { variableOf } from "../base/env.ts";

/** The part of the process that commands use. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
}

/** Returns a variable. Undefined if it is missing or empty. */
export function variable({ env }: Io, name: string): string | undefined {
  return variableOf(env, name);
}

/** The result of a command, as text and as JSON. */
export interface Report {
  readonly text: string;
  readonly json: unknown;
}

export interface CommandCall {
  readonly io: Io;
  readonly secrets: Secrets;
  /** The arguments after the words of the command. */
  readonly positionals: readonly string[];
  /** Returns the text of an option. */
  text(option: string): string | undefined;
  flag(option: string): boolean;
}

/** An option, as `util.parseArgs` takes it, with its line of help. */
export interface Option {
  readonly type: "string" | "boolean";
  /** What the help shows for the value, such as PATH. */
  readonly value?: string;
  /** One line, with the default if there is one. */
  readonly help: string;
}

/** Returns an option with a value. */
export function option(value: string, help: string): Option & { readonly type: "string" } {
  return { type: "string", value, help };
}

/** Returns an option without a value. */
export function flag(help: string): Option & { readonly type: "boolean" } {
  return { type: "boolean", help };
}

export const applyOption = flag("Make the changes. Default: only show them");

/** Options of every command that reads the configuration of a Worker. */
export const configOptions = {
  config: option("PATH", "Configuration file. Default: the nearest one, as for wrangler"),
  env: option("NAME", "Environment of the configuration. Default: the top level"),
} as const;

export interface Command {
  /** The words of the command, and its arguments. */
  readonly usage: string;
  readonly summary: string;
  /** All options except `--json` and `--help`. */
  readonly options: Readonly<Record<string, Option>>;
  /** Minimum and maximum number of arguments after the words. */
  readonly positionals: readonly [number, number];
  run(invocation: CommandCall): Promise<Report>;
}

/** An error with one line that says what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** 1 if an operation failed, 2 if the call is invalid or a setting is missing. */
  readonly exitCode: 1 | 2;
  /** Lines for standard output, such as what to paste. Empty if there are none. */
  readonly output: string;

  constructor(message: string, exitCode: 1 | 2 = 1, output = "") {
    super(message.replace(/\s+/g, " "));
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** Returns an error for an invalid call. */
export function usageError(message: string): CliError {
  return new CliError(message, 2);
}

const minLength = 6;

/** Values that must not appear in any output. */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string | undefined): void {
    if (value === undefined || value.length < minLength) return;
    this.#values.add(value);
    this.#values.add(encodeURIComponent(value));
    this.#values.add(JSON.stringify(value).slice(1, -1));
    // The value of an Authorization header contains a scheme and a credential. The credential alone is also a secret.
    const [, credential] = /^\S+ (\S.*)$/.exec(value) ?? [];
    if (credential !== undefined) this.add(credential);
  }

  /** Returns the text with `***` in place of each secret, and without the secrets in URLs. */
  hide(text: string): string {
    let hidden = text;
    // Replaces the longest value first, because one value may be part of another.
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      hidden = hidden.replaceAll(value, "***");
    }
    return maskSecrets(hidden);
  }
}
