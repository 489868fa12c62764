import { type Benchmark, type Goal, isMet, type Row } from "./benchmark.ts";

const header = ["id", "unit", "ours", "peer", "ratio", "goal", "peer's name"];
const isText = [true, true, false, false, false, true, true];

/** Returns an aligned table of results. Each goal is in the row of its peer. */
export function table(rows: readonly Row[], benchmarks: readonly Benchmark[]): string {
  const goals = new Map(benchmarks.map(({ id, goal }) => [id, goal]));
  const cells = rows.map((row) => [
    row.id,
    row.unit,
    number(row.ours),
    number(row.peer),
    row.ratio.toFixed(3),
    goalCell(row, goals.get(row.id)),
    row.peerName,
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => (line[column] ?? "").length)),
  );
  return [header, ...cells]
    .map((line) => line.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function goalCell(row: Row, goal: Goal | undefined): string {
  const met = isMet(goal, row);
  if (goal === undefined || met === undefined) return "";
  const { ratio, ours } = goal;
  const limit = ratio === undefined ? `${ours} ${row.unit}` : String(ratio);
  return `<= ${limit} ${met ? "met" : "MISSED"}`;
}

function pad(cell: string, width: number, column: number): string {
  return isText[column] === true ? cell.padEnd(width) : cell.padStart(width);
}

function number(value: number): string {
  if (Number.isInteger(value)) {
    return String(value);
  }
  return Math.abs(value) < 10 ? value.toFixed(3) : value.toFixed(1);
}
