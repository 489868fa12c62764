// The CPU time of a runtime for the start of a Worker that uses one entry of the package, up to its first answer.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stop as stopBundler } from "esbuild";
import { root } from "../harness/start.ts";
import { startPlainWorkers } from "../workerd/harness/plain_workerd.ts";
import { type Benchmark, type Result, resultOf } from "./benchmark.ts";
import { childrenThreadsMs } from "./children_cpu.ts";
import { compare, type Effort } from "./measure.ts";
import { type UploadedWorker, upload, uploadedWorkers } from "./uploads.ts";

/** Workers of one runtime. With more Workers, the start of the runtime itself is a smaller part of the time. */
const copies = 12;
/** Time until the runtime has finished its background work. */
const settleMs = 300;

const empty = "export default { fetch: () => new Response() };";

/**
 * Writes copies of the files that wrangler uploads. Equal modules share their compiled code, so the modules of each
 * copy differ in a custom section.
 */
function writeCopies(name: string, uploaded: string): string[] {
  const home = `build/bench/cold/${name.replace(/\W+/g, "_")}`;
  rmSync(join(root, home), { recursive: true, force: true });
  return Array.from({ length: copies }, (_, index) => {
    const folder = join(root, home, String(index));
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(uploaded)) {
      if (file.endsWith(".wasm")) {
        const section = Buffer.from([0, 6, 4, ...Buffer.from("copy"), index]);
        const module = readFileSync(join(uploaded, file));
        writeFileSync(join(folder, file), Buffer.concat([module, section]));
      } else if (file.endsWith(".js")) cpSync(join(uploaded, file), join(folder, file));
    }
    return `${home}/${index}/index.js`;
  });
}

/**
 * Returns the CPU milliseconds of all threads for one Worker. A runtime starts with the copies, and each answers a
 * request.
 */
async function startOnce(mains: readonly string[]): Promise<number> {
  const workers = mains.map((main, index) => ({ name: `copy${index}`, main }));
  const running = await startPlainWorkers(workers);
  // From now on the runtime is the only child.
  await stopBundler();
  try {
    for (const { name } of workers) {
      const response = await running.fetchFrom(name, "/");
      await response.arrayBuffer();
      // A collector answers requests with 404.
      if (response.status >= 500) throw new Error(`A copy answered with ${response.status}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    return childrenThreadsMs() / copies;
  } finally {
    await running.close();
  }
}

async function run(
  name: string,
  { code, peers = {} }: UploadedWorker,
  { rounds }: Effort,
): Promise<readonly Result[]> {
  const ours = writeCopies(name, (await upload(name, code)).folder);
  const others = new Map([
    ["empty Worker", writeCopies("empty", (await upload("empty", empty)).folder)],
  ]);
  for (const [peer, peerCode] of Object.entries(peers)) {
    const { folder } = await upload(`${name} ${peer}`, peerCode, true);
    others.set(peer, writeCopies(`${name} ${peer}`, folder));
  }
  const ourTimes: number[] = [];
  const times = new Map(Array.from(others, ([peer]) => [peer, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    ourTimes.push(await startOnce(ours));
    for (const [peer, mains] of others) times.get(peer)?.push(await startOnce(mains));
  }
  return Array.from(times, ([peer, samples]) => resultOf(peer, compare(ourTimes, samples)));
}

export const benchmarks: readonly Benchmark[] = Object.entries(uploadedWorkers).map(
  ([name, worker]) => ({
    id: `cold.${name}`,
    unit: "ms",
    run: ({ effort }) => run(name, worker, effort),
  }),
);
