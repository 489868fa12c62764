import { parseArgs } from "node:util";
import {
  CliError,
  type Command,
  type CommandCall,
  type Io,
  type Report,
  Secrets,
  usageError,
} from "./command.ts";
import { decode } from "./commands/decode.ts";
import * as destinations from "./commands/destinations.ts";
import * as gatewayOtel from "./commands/gateway_otel.ts";
import { init } from "./commands/init.ts";
import * as logpush from "./commands/logpush.ts";
import * as metrics from "./commands/metrics.ts";
import { setup } from "./commands/setup.ts";

/**
 * Runs one command.
 *
 * @param args The arguments after `isotel`.
 * @returns The exit code: 0 for success, 1 if an operation failed, 2 if the call is invalid or a setting is missing.
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const secrets = new Secrets();
  const wantsJson = args.includes("--json");
  try {
    const { text, json } = await execute(args, io, secrets);
    io.out(secrets.hide(wantsJson ? `${JSON.stringify(json, null, 2)}\n` : text));
    return 0;
  } catch (cause) {
    const error = cause instanceof CliError ? cause : unexpected(cause);
    const message = secrets.hide(error.message);
    if (wantsJson) io.out(`${JSON.stringify({ error: message }, null, 2)}\n`);
    io.err(`isotel: ${message}\n`);
    return error.exitCode;
  }
}

async function execute(args: readonly string[], io: Io, secrets: Secrets): Promise<Report> {
  const found = findCommand(args);
  if (found === undefined) {
    const isHelp = args.length === 1 && (args[0] === "--help" || args[0] === "help");
    if (isHelp) return { text: overview(), json: { help: overview() } };
    const words = args.filter((arg) => !arg.startsWith("-")).join(" ");
    const problem = words === "" ? "a command is missing" : `there is no command "${words}"`;
    throw usageError(`${problem}: see npx isotel --help`);
  }
  const { name, command, rest } = found;
  if (rest.includes("--help")) {
    const help = helpOf(command);
    return { text: help, json: { help } };
  }
  return command.run({ io, secrets, ...readArguments(name, command, rest) });
}

/** Returns the command with which the arguments begin. */
function findCommand(args: readonly string[]) {
  for (const [name, command] of Object.entries(commands)) {
    const words = name.split(" ");
    if (words.every((word, index) => args[index] === word)) {
      return { name, command, rest: args.slice(words.length) };
    }
  }
  return undefined;
}

function readArguments(
  name: string,
  { options, positionals: [least, most] }: Command,
  args: readonly string[],
): Pick<CommandCall, "positionals" | "text" | "flag"> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options, json: { type: "boolean" } },
      allowPositionals: true,
    });
    if (positionals.length < least || positionals.length > most) {
      throw new Error(positionals.length < least ? "an argument is missing" : "too many arguments");
    }
    const value = (option: string): unknown => (values as Record<string, unknown>)[option];
    return {
      positionals,
      text: (option) => {
        const text = value(option);
        return typeof text === "string" ? text : undefined;
      },
      flag: (option) => value(option) === true,
    };
  } catch (cause) {
    // Keeps the first sentence. The others of Node's message give advice that does not apply.
    const [problem] = (cause as Error).message.split(". ");
    throw usageError(`${problem}: see npx isotel ${name} --help`);
  }
}

function unexpected(cause: unknown): CliError {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  return new CliError(`${name}: ${message}`);
}

/** The commands by their words, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  init,
  setup,
  "destinations list": destinations.listCommand,
  "destinations add": destinations.addCommand,
  "destinations remove": destinations.removeCommand,
  "gateway otel list": gatewayOtel.listCommand,
  "gateway otel add": gatewayOtel.addCommand,
  "gateway otel remove": gatewayOtel.removeCommand,
  "logpush list": logpush.listCommand,
  "logpush plan": logpush.planCommand,
  "logpush apply": logpush.applyCommand,
  "metrics list": metrics.listCommand,
  "metrics drop": metrics.dropCommand,
  "metrics reset": metrics.resetCommand,
  decode,
};

const common = `
Every command takes --json and --help. Nothing is changed without --write (a file) or --apply (an account).
Exit codes: 0 success, 1 failure, 2 invalid call or missing setting.
`;

/** Returns the list of all commands. */
function overview(): string {
  const usages = Object.values(commands).map(({ usage }) => usage);
  const width = Math.max(...usages.map((usage) => usage.length)) + 2;
  const lines = Object.values(commands).map(
    ({ usage, summary }) => `  ${usage.padEnd(width)}${summary}`,
  );
  return `npx isotel COMMAND\n\n${lines.join("\n")}\n${common}`;
}

function helpOf({ usage, summary, options }: Command): string {
  const lines = Object.entries(options).map(([name, { type }]) =>
    type === "string" ? `  --${name} VALUE` : `  --${name}`,
  );
  return `npx isotel ${usage}\n${summary}\n${lines.length > 0 ? `\n${lines.join("\n")}\n` : ""}${common}`;
}
