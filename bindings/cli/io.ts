import { variableOf } from "../trace/variables.ts";

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
