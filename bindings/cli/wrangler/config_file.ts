import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Io } from "../command.ts";
import { CliError, usageError } from "../command.ts";
import { type ParseError, parse, printParseErrorCode } from "./jsonc_text.ts";

/** The configuration file of a Worker. */
export interface ConfigFile {
  readonly path: string;
  /** The path relative to the working directory, for messages. */
  readonly shownPath: string;
  readonly text: string;
}

type Json = Readonly<Record<string, unknown>>;

// In wrangler's order of precedence.
const names = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/**
 * Reads a configuration file.
 *
 * @param configPath Default: the file that wrangler would use, which is the nearest one in the working directory or its
 * parents.
 * @throws CliError if there is no file, or if it is TOML.
 */
export function openConfig(io: Io, configPath: string | undefined): ConfigFile {
  const path = configPath === undefined ? findConfig(io.cwd) : resolve(io.cwd, configPath);
  if (path === undefined || !existsSync(path)) {
    const where = configPath ?? "no wrangler.jsonc here or in a folder above";
    throw usageError(`${where}: no such file; run this in a Worker's folder or give --config PATH`);
  }
  const shownPath = relative(io.cwd, path) || path;
  if (path.endsWith(".toml")) {
    throw usageError(
      `${shownPath} is TOML, which isotel cannot edit: convert it to wrangler.jsonc, which ` +
        "takes precedence, or add the keys by hand (docs/cli.md lists them)",
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
 * Parses the text of a configuration.
 *
 * @throws CliError with the position if it is not JSON, or if it is not an object.
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
    throw new CliError(`${place}: ${printParseErrorCode(error.error)}: correct the file first`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CliError(`${shownPath} has to be an object`);
  }
  return value as Json;
}
