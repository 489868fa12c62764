import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parse as parseToml, TomlError } from "smol-toml";
import { CliError, type Io, usageError } from "../command.ts";
import { readFileAt } from "../read_file.ts";
import { createScanner, type ParseError, parse, printParseErrorCode, Token } from "./jsonc_text.ts";

/** The configuration file of a Worker. */
export interface ConfigFile {
  readonly path: string;
  /** The path relative to the working directory, for messages. */
  readonly shownPath: string;
  readonly text: string;
  /** Only JSON is edited. For the others, the lines to paste are printed. */
  readonly format: "json" | "toml" | "typescript";
}

type Json = Readonly<Record<string, unknown>>;

// In wrangler's order of precedence. It reads cloudflare.config.ts with --experimental-new-config only.
const names = [
  "wrangler.json",
  "wrangler.jsonc",
  "wrangler.toml",
  "cloudflare.config.ts",
  "cloudflare.config.js",
];

/** No configuration is larger. The time of an edit grows with the size. */
const maxBytes = 1024 * 1024;
/** The parser is recursive. */
const maxDepth = 100;

/**
 * Reads a configuration file.
 *
 * @param configPath Default: the file that wrangler would use, which is the nearest one in the working directory or its
 * parents.
 * @throws CliError if there is no file, if it cannot be read, or if it is larger than 1 MiB.
 */
export function openConfig(io: Io, configPath: string | undefined): ConfigFile {
  const path = configPath === undefined ? findConfig(io.cwd) : resolve(io.cwd, configPath);
  if (path === undefined || !existsSync(path)) {
    const where = configPath ?? "no wrangler.jsonc here or in a folder above";
    throw usageError(`${where}: no such file; run this in a Worker's folder or give --config PATH`);
  }
  const shownPath = relative(io.cwd, path) || path;
  const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(
    readFileAt(io, shownPath, maxBytes),
  );
  return { path, shownPath, text, format: formatOf(path) };
}

function formatOf(path: string): ConfigFile["format"] {
  if (path.endsWith(".toml")) return "toml";
  return /\.[cm]?[jt]s$/.test(path) ? "typescript" : "json";
}

function findConfig(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = names.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * Parses the text of a configuration.
 *
 * @throws CliError with the position if it is not JSON or TOML, or if it is not an object.
 */
export function parseConfig({
  shownPath,
  text,
  format,
}: Pick<ConfigFile, "shownPath" | "text" | "format">): Json {
  if (format === "toml") return parsedToml(shownPath, text);
  if (format === "typescript") {
    throw usageError(`${shownPath} is code, which isotel does not read: give --config PATH`);
  }
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    const place = placeOf(shownPath, text, deep);
    throw new CliError(`${place}: nested deeper than ${maxDepth} levels: correct the file first`);
  }
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(/^\ufeff/, " "), errors, {
    allowTrailingComma: true,
    allowEmptyContent: false,
  });
  const [error] = errors;
  if (error !== undefined) {
    const place = placeOf(shownPath, text, error.offset);
    throw new CliError(`${place}: ${printParseErrorCode(error.error)}: correct the file first`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CliError(`${shownPath} has to be an object`);
  }
  return value as Json;
}

function parsedToml(shownPath: string, text: string): Json {
  try {
    return parseToml(text.replace(/^\ufeff/, ""), { maxDepth });
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    // The rest of the message repeats lines of the file, which may contain secrets.
    const [problem = ""] = cause.message.replace(/^Invalid TOML document: /, "").split("\n");
    const place = `${shownPath}:${cause.line}:${cause.column}`;
    throw new CliError(`${place}: ${problem}: correct the file first`);
  }
}

function placeOf(shownPath: string, text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `${shownPath}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Returns the position of the first bracket that is nested too deeply. */
function tooDeepAt(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (;;) {
    const token: number = scanner.scan();
    if (token === Token.end) return undefined;
    if (token === Token.openBrace || token === Token.openBracket) depth += 1;
    if (token === Token.closeBrace || token === Token.closeBracket) depth -= 1;
    if (depth > maxDepth) return scanner.getTokenOffset();
  }
}
