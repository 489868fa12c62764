import type { Command } from "./command.ts";
import { commands } from "./commands.ts";

const common = `
Every command takes --json and --help. Nothing is changed without --write (a file) or --apply (an account).
Exit codes: 0 done, 1 failed, 2 not understood or something is missing.
`;

/** What there is. */
export function overview(): string {
  const usages = Object.values(commands).map(({ usage }) => usage);
  const width = Math.max(...usages.map((usage) => usage.length)) + 2;
  const lines = Object.values(commands).map(
    ({ usage, summary }) => `  ${usage.padEnd(width)}${summary}`,
  );
  return `npx isotel COMMAND\n\n${lines.join("\n")}\n${common}`;
}

export function helpOf({ usage, summary, options }: Command): string {
  const lines = Object.entries(options).map(([name, { type }]) =>
    type === "string" ? `  --${name} VALUE` : `  --${name}`,
  );
  return `npx isotel ${usage}\n${summary}\n${lines.length > 0 ? `\n${lines.join("\n")}\n` : ""}${common}`;
}
