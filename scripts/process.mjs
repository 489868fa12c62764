import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);

/** Writes one line of progress to stderr. Stdout is reserved for the output of a command. */
export function step(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs a program of a node module or the system in the root of the repository. Resolves to `{ code, output }`, where
 * `output` has both streams. `echo` also receives the output while it arrives. `signal` stops the program and rejects.
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

/** Like {@link run}. Resolves to the output. Rejects with the whole output if the program fails. */
export async function must(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed with code ${code}\n${output}`);
  }
  return output;
}

/** Ends the process with the message of an error. The stack is left out, because the output of the tool matters. */
export function fail(error) {
  step(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
