import type { ParseArgsOptionsConfig } from "node:util";
import { maskSecrets } from "../base/address.ts";
import { variableOf } from "../base/env.ts";

/** What a command sees of the process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
}

/** A variable that is there and not empty. */
export function variable({ env }: Io, name: string): string | undefined {
  return variableOf(env, name);
}

/** What a command did, for people and for programs. */
export interface Report {
  readonly text: string;
  readonly json: unknown;
}

export interface CommandCall {
  readonly io: Io;
  readonly secrets: Secrets;
  /** What follows the command's words. */
  readonly positionals: readonly string[];
  /** The text of an option. */
  text(option: string): string | undefined;
  flag(option: string): boolean;
}

export interface Command {
  /** Its words, and what follows them. */
  readonly usage: string;
  readonly summary: string;
  /** Besides `--json` and `--help`. */
  readonly options: ParseArgsOptionsConfig;
  /** How many arguments follow its words, at least and at most. */
  readonly positionals: readonly [number, number];
  run(invocation: CommandCall): Promise<Report>;
}

/** What went wrong, in one line that says what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** 1 where something failed, 2 where the command cannot be understood or lacks what it needs. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message.replace(/\s+/g, " "));
    this.exitCode = exitCode;
  }
}

/** An error of how the command was called. */
export function usageError(message: string): CliError {
  return new CliError(message, 2);
}

const shortest = 6;

/** Values that must not be shown, wherever they turn up. */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string | undefined): void {
    if (value === undefined || value.length < shortest) return;
    this.#values.add(value);
    this.#values.add(encodeURIComponent(value));
    this.#values.add(JSON.stringify(value).slice(1, -1));
    // A header's value holds its scheme too.
    const [, credential] = /^\S+ (\S.*)$/.exec(value) ?? [];
    if (credential !== undefined) this.add(credential);
  }

  /** The text with three asterisks in place of each, and without the secrets of addresses. */
  hide(text: string): string {
    let hidden = text;
    // The longest first: one may be a part of another.
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      hidden = hidden.replaceAll(value, "***");
    }
    return maskSecrets(hidden);
  }
}
