// Measures the costs of metrics and writes the tables of docs/metrics-cost.md. Fails if a cost exceeds the goal.
//
// Needs dist/, because the sources that it imports depend on it. `npm run cost` builds it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measureAll, tablesOf } from "../tests/cost/tables.ts";
import { fail, root, step } from "./process.mjs";

const file = join(root, "docs/metrics-cost.md");
const begin = "<!-- Written by scripts/cost_table.mjs: begin -->";
const end = "<!-- Written by scripts/cost_table.mjs: end -->";
const goal = { rate: 100, usd: 0.05 };

function replaceBetween(text, replacement) {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no markers for the tables.`);
  return `${text.slice(0, from + begin.length)}\n${replacement}\n${text.slice(to)}`;
}

try {
  const costs = await measureAll(({ scenario, measured, usd }) => {
    const { transport, isolates, rate } = scenario;
    step(
      `${transport}, ${isolates} x ${rate}/s: ${usd.toFixed(4)} USD ${JSON.stringify(measured)}`,
    );
  });
  const tables = tablesOf(costs);
  writeFileSync(file, replaceBetween(readFileSync(file, "utf8"), tables));
  console.log(tables);
  const missed = costs.filter(({ scenario, usd }) => scenario.rate >= goal.rate && usd > goal.usd);
  for (const { scenario, usd } of missed) {
    console.error(`The cost exceeds the goal: ${usd} USD for ${JSON.stringify(scenario)}`);
    process.exitCode = 1;
  }
} catch (error) {
  fail(error);
}
