// run.ts [--json FILE] [--only ID,ID] [--quick]: compares isotel with its peers and prints a table. `--only span`
// selects every id that begins with `span`. `run.ts --profile ID` runs only isotel, for `node --cpu-prof`.
// Exit codes: 0 if every goal is met; 1 if a goal is missed or a benchmark failed.
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import "./runtime/hooks.ts";
import { type Benchmark, isMet, type Result, type Row } from "./benchmark.ts";
import { quick, thorough } from "./measure.ts";
import { table } from "./table.ts";

// Imported later, so that the hooks resolve their imports.
const groups: readonly (() => Promise<{ benchmarks: readonly Benchmark[] }>)[] = [
  () => import("./span.ts"),
  () => import("./wasm.ts"),
  () => import("./size.ts"),
  () => import("./cold_start.ts"),
  () => import("./otlp.ts"),
  () => import("./flue.ts"),
  () => import("./opentelemetry.ts"),
  () => import("./ai_traced.ts"),
  () => import("./ai_node.ts"),
  () => import("./ai_workerd.ts"),
  () => import("./metrics_record.ts"),
  () => import("./metrics_exposition.ts"),
  () => import("./metrics_workerd.ts"),
  () => import("./metrics_producers.ts"),
  () => import("./metrics_invocations.ts"),
  () => import("./collector.ts"),
  () => import("./collector_node.ts"),
];

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    profile: { type: "string" },
    // The argument with which this program runs one benchmark in a separate process.
    child: { type: "string" },
  },
});
const effort = values.quick ? quick : thorough;

async function all(): Promise<Benchmark[]> {
  return (await Promise.all(groups.map((load) => load()))).flatMap(({ benchmarks }) => benchmarks);
}

type Answer = readonly Result[] | string;

function runInChild(id: string): Promise<Answer> {
  const child = fork(import.meta.filename, ["--child", id, ...(values.quick ? ["--quick"] : [])]);
  return new Promise((resolve, reject) => {
    child.once("message", (answer) => resolve(answer as Answer));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${id} ended with code ${code}.`)));
  });
}

async function runAll(): Promise<void> {
  const prefixes = values.only.split(",");
  const benchmarks = (await all()).filter(({ id }) => prefixes.some((name) => id.startsWith(name)));
  if (benchmarks.length === 0) {
    throw new Error(`No benchmark is called ${values.only}.`);
  }
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const { id, unit, goal } of benchmarks) {
    process.stderr.write(`${id}\n`);
    const answer = await runInChild(id).catch((error: Error) => {
      process.exitCode = 1;
      return `failed: ${error.message}`;
    });
    if (typeof answer === "string") {
      notes.push(`${id}: ${answer}`);
    } else {
      rows.push(...answer.map((result) => ({ id, unit, ...result })));
      if (answer.some((result) => isMet(goal, result) === false)) process.exitCode = 1;
    }
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  }
  console.log([table(rows, benchmarks), ...notes].join("\n"));
}

async function runOne(id: string, isProfile: boolean): Promise<Answer> {
  const found = (await all()).find((benchmark) => benchmark.id === id);
  if (found === undefined) {
    throw new Error(`No benchmark is called ${id}.`);
  }
  return found.run({ effort, isProfile });
}

if (values.child !== undefined) {
  const answer = await runOne(values.child, false);
  process.send?.(answer, () => process.disconnect());
} else if (values.profile !== undefined) {
  await runOne(values.profile, true);
} else {
  await runAll();
}
