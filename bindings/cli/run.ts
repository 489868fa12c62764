import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { similarTo } from "../base/options.ts";
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
    const output = secrets.hide(error.output);
    const document = output === "" ? { error: message } : { error: message, lines: output };
    if (wantsJson) io.out(`${JSON.stringify(document, null, 2)}\n`);
    else if (output !== "") io.out(output);
    io.err(`isotel: ${message}\n`);
    return error.exitCode;
  }
}

async function execute(args: readonly string[], io: Io, secrets: Secrets): Promise<Report> {
  const words = args.filter((arg) => !common.has(arg));
  const first = words[0];
  if (args.some((arg) => versionWords.has(arg)) && words.every((arg) => versionWords.has(arg))) {
    const version = ownVersion();
    return { text: `${version}\n`, json: { version } };
  }
  const isHelp = first === "help" || words.length === 0;
  const found = findCommand(first === "help" ? words.slice(1) : args);
  if (found === undefined) {
    const asked = first === "help" ? words.slice(1) : words;
    const isGroup = asked.length > 0 && startingWith(asked).length > 0;
    if (asked.length === 0 || (isGroup && (isHelp || args.some((arg) => helpWords.has(arg))))) {
      const help = overview(startingWith(asked));
      return { text: help, json: { help } };
    }
    throw usageError(unknownCommand(asked));
  }
  const { name, command, rest } = found;
  const ends = rest.indexOf("--");
  const before = ends === -1 ? rest : rest.slice(0, ends);
  if (first === "help" || before.some((arg) => helpWords.has(arg))) {
    const help = helpOf(command);
    return { text: help, json: { help } };
  }
  return command.run({ io, secrets, ...readArguments(name, command, rest) });
}

const helpWords: ReadonlySet<string> = new Set(["--help", "-h"]);
const versionWords: ReadonlySet<string> = new Set(["--version", "-V"]);
/** Options that every command has. */
const common: ReadonlySet<string> = new Set([...helpWords, "--json"]);

/** Returns the version of the package. This file and its bundle in dist/ are two folders below package.json. */
function ownVersion(): string {
  const path = fileURLToPath(import.meta.resolve("../../package.json"));
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
}

/** Returns the names of the commands that begin with these words. */
function startingWith(words: readonly string[]): readonly string[] {
  const start = words.join(" ");
  return Object.keys(commands).filter(
    (name) => start === "" || name === start || name.startsWith(`${start} `),
  );
}

function unknownCommand(args: readonly string[]): string {
  const option = args[0]?.startsWith("-") === true ? shown(args[0]) : undefined;
  if (option !== undefined) return `there is no option ${option}: see npx isotel --help`;
  const words = args.filter((arg) => !arg.startsWith("-")).slice(0, maxWords);
  const text = shown(words.join(" "));
  const rest = startingWith(words);
  if (rest.length > 0) {
    return `"${text}" is not complete: it has to be one of ${rest.join(", ")}; see npx isotel --help`;
  }
  const nearest = nearestOne("", similarTo(text, Object.keys(commands)));
  return `there is no command "${text}"${nearest}: see npx isotel --help`;
}

function nearestOne(prefix: string, name: string | undefined): string {
  return name === undefined ? "" : `; the nearest one is ${prefix}${name}`;
}

/** The number of words of the longest command. */
const maxWords = 3;
const maxShownLength = 60;

function shown(text: string): string {
  return text.slice(0, maxShownLength);
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
  const config = { args: [...args], options: { ...options, json: { type: "boolean" } } } as const;
  const help = `see npx isotel ${name} --help`;
  const { tokens } = parseArgs({ ...config, strict: false, tokens: true });
  const unknown = tokens.find(
    (token) => token.kind === "option" && !Object.hasOwn(config.options, token.name),
  );
  if (unknown?.kind === "option") {
    const nearest = nearestOne("--", similarTo(unknown.name, Object.keys(config.options)));
    throw usageError(`there is no option ${shown(unknown.rawName)}${nearest}: ${help}`);
  }
  try {
    const { values, positionals } = parseArgs({ ...config, allowPositionals: true });
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
    throw usageError(`${problem}: ${help}`);
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

const footer = `
Every command takes --json and --help. Nothing is changed without --write (a file) or --apply (an account).
Exit codes: 0 success, 1 failure, 2 invalid call or missing setting.
`;

const ownOptions: readonly (readonly [string, string])[] = [
  ["help COMMAND", "Show the options of a command"],
  ["-h, --help", "Show this help, or the options of a command"],
  ["-V, --version", "Show the version"],
];

/** Returns the list of commands with these names. */
function overview(names: readonly string[]): string {
  const listed = names.map((name) => {
    const { usage, summary } = commands[name] as Command;
    return [usage, summary] as const;
  });
  return `npx isotel COMMAND\n\n${table(listed)}\n\n${table(ownOptions)}\n${footer}`;
}

function helpOf({ usage, summary, options }: Command): string {
  const own = Object.entries(options).map(([name, { value, help }]) => {
    return [value === undefined ? `--${name}` : `--${name} ${value}`, help] as const;
  });
  const all = [...own, ["--json", "Print one JSON document"], ["-h, --help", "Show this help"]];
  return `npx isotel ${usage}\n${summary}\n\n${table(all as typeof ownOptions)}\n${footer}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([term]) => term.length)) + 2;
  return rows.map(([term, text]) => `  ${term.padEnd(width)}${text}`).join("\n");
}
