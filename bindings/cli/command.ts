import type { ParseArgsOptionsConfig } from "node:util";
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

export interface Command {
  /** The words of the command, and its arguments. */
  readonly usage: string;
  readonly summary: string;
  /** All options except `--json` and `--help`. */
  readonly options: ParseArgsOptionsConfig;
  /** Minimum and maximum number of arguments after the words. */
  readonly positionals: readonly [number, number];
  run(invocation: CommandCall): Promise<Report>;
}

/** An error with one line that says what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** 1 if an operation failed, 2 if the call is invalid or a setting is missing. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message.replace(/\s+/g, " "));
    this.exitCode = exitCode;
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
