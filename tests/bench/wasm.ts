import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, startWorkers } from "../harness/start.ts";
import { againstBudget, type Benchmark } from "./benchmark.ts";
import { undisturbed } from "./measure.ts";

const wasmFile = join(root, "dist/wasm/core.wasm");
const app = "build/bench/wasm_init";
/** The clock of workerd counts whole milliseconds. This number of instances is created between two readings. */
const copies = 64;

/**
 * The engine compiles each function at its first call, and equal modules share their compiled code. So every copy
 * differs in a custom section, and each start of the Worker creates one instance of each copy: all are cold.
 */
function writeApp(): void {
  const folder = join(root, app);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const module = readFileSync(wasmFile);
  const names = Array.from({ length: copies }, (_, index) => `core_${index}`);
  for (const [index, name] of names.entries()) {
    const section = Buffer.from([0, 6, 4, ...Buffer.from("copy"), index]);
    writeFileSync(join(folder, `${name}.wasm`), Buffer.concat([module, section]));
  }
  const lines = [
    ...names.map((name) => `import ${name} from "./${name}.wasm";`),
    'import { handler } from "../../../tests/bench/apps/wasm_init.ts";',
    `export default handler([${names.join(", ")}]);`,
  ];
  writeFileSync(join(folder, "index.js"), `${lines.join("\n")}\n`);
}

interface InitTimes {
  readonly coldMs: number;
  readonly warmMs: number;
}

async function startOnce(): Promise<InitTimes> {
  const workers = await startWorkers([{ name: "wasm_init", main: `${app}/index.js` }]);
  const meanMs = async () => Number(await (await workers.fetch("/")).text()) / copies;
  try {
    return { coldMs: await meanMs(), warmMs: await meanMs() };
  } finally {
    await workers.close();
  }
}

export const benchmarks: readonly Benchmark[] = [
  {
    id: "wasm.init",
    unit: "ms",
    goal: { ours: 1 },
    async run({ effort }) {
      writeApp();
      const times: InitTimes[] = [];
      for (let round = 0; round < effort.rounds; round += 1) {
        times.push(await startOnce());
      }
      const coldMs = undisturbed(times.map((time) => time.coldMs));
      const warmMs = undisturbed(times.map((time) => time.warmMs));
      return [againstBudget(coldMs, 1, { warmMs })];
    },
  },
];
