import { closeSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { CliError, type Io, usageError } from "./command.ts";

const chunkBytes = 1 << 16;

/**
 * Reads a file, a device or a pipe. Stops when it has more than `maxBytes`, because a device may never end.
 *
 * @throws CliError if the file does not exist, cannot be read or is too large.
 */
export function readFileAt(io: Io, path: string, maxBytes: number): Uint8Array {
  try {
    const descriptor = openSync(resolve(io.cwd, path), "r");
    try {
      return readAtMost(descriptor, path, maxBytes);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw usageError(`${path}: no such file`);
    if (code === "EISDIR") throw new CliError(`${path} is a folder: give the path of a file`);
    throw new CliError(`${path} cannot be read (${code})`);
  }
}

function readAtMost(descriptor: number, path: string, maxBytes: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const chunk = new Uint8Array(chunkBytes);
    const read = readSync(descriptor, chunk);
    if (read === 0) break;
    size += read;
    if (size > maxBytes) {
      throw new CliError(`${path} is too large: it has more than ${maxBytes / 1024 / 1024} MiB`);
    }
    chunks.push(chunk.subarray(0, read));
  }
  return new Uint8Array(Buffer.concat(chunks));
}
