import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Io } from "../command.ts";
import { CliError, usageError } from "../command.ts";
import { type ParseError, parse, printParseErrorCode } from "./jsonc_text.ts";

/** A Worker's configuration as its file has it. */
export interface ConfigFile {
  readonly path: string;
  /** For messages: relative to where the command runs. */
  readonly shownPath: string;
  readonly text: string;
}

type Json = Readonly<Record<string, unknown>>;

// The order in which wrangler takes them.
const names = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/**
 * Reads the configuration that wrangler would take: of the folder or the nearest one above it, or the one given.
 *
 * @throws CliError where there is none, or it is TOML.
 */
export function openConfig(io: Io, given: string | undefined): ConfigFile {
  const path = given === undefined ? findConfig(io.cwd) : resolve(io.cwd, given);
  if (path === undefined || !existsSync(path)) {
    const where = given ?? "no wrangler.jsonc here or in a folder above";
    throw usageError(`${where}: no such file; run this in a Worker's folder or give --config PATH`);
  }
  const shownPath = relative(io.cwd, path) || path;
  if (path.endsWith(".toml")) {
    throw usageError(
      `${shownPath} is TOML, which is not edited: rewrite it as wrangler.jsonc, which wrangler takes before it, or add the keys by hand (docs/cli.md lists them)`,
    );
  }
  return { path, shownPath, text: readFileSync(path, "utf8") };
}

function findConfig(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = names.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * What the text of a configuration says.
 *
 * @throws CliError with the place where it is no JSON, or where it is no object.
 */
export function parseConfig({ shownPath, text }: Pick<ConfigFile, "shownPath" | "text">): Json {
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(/^\ufeff/, " "), errors, {
    allowTrailingComma: true,
    allowEmptyContent: false,
  });
  const [error] = errors;
  if (error !== undefined) {
    const before = text.slice(0, error.offset).split("\n");
    const place = `${shownPath}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    throw new CliError(`${place}: ${printParseErrorCode(error.error)}: repair the file first`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CliError(`${shownPath} has to be an object`);
  }
  return value as Json;
}
