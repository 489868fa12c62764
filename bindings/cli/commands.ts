import type { Command } from "./command.ts";
import { decode } from "./commands/decode.ts";
import { init } from "./commands/init.ts";

/** The commands by their words, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  init,
  decode,
};
