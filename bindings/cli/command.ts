import type { ParseArgsOptionsConfig } from "node:util";
import type { Io } from "./io.ts";
import type { Secrets } from "./secrets.ts";

/** What a command did, for people and for programs. */
export interface Report {
  readonly text: string;
  readonly json: unknown;
}

export interface Invocation {
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
  run(invocation: Invocation): Promise<Report>;
}
