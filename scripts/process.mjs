import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);

/** One line of progress. Standard output belongs to what a command was asked for. */
export function step(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs a program, a node module's or the system's, in the repository's root. Resolves to `{ code, output }`, output being
 * both streams. `echo` also shows them while they come; `signal` ends the program and rejects.
 */
export function run(command, args, { cwd = root, env = {}, echo, signal } = {}) {
  const child = spawn(command, args, {
    cwd,
    signal,
    env: { ...process.env, PATH: path, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      chunks.push(chunk);
      echo?.write(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }),
    );
  });
}

/** Like `run`, quiet: throws with the whole output when the program fails. */
export async function must(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed with code ${code}\n${output}`);
  }
  return output;
}

/** Ends the process with the error's message alone: whoever reads it wants the tool's output, not our stack. */
export function fail(error) {
  step(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
