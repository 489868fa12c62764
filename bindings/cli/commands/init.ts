import { writeFileSync } from "node:fs";
import type { Command, CommandCall } from "../command.ts";
import { applyAdditions } from "../wrangler/additions.ts";
import { openConfig, parseConfig } from "../wrangler/config_file.ts";
import { defaultNames, planBindings } from "../wrangler/plan_bindings.ts";
import { Sections } from "../wrangler/sections.ts";

/** `isotel init`: adds the bindings for metrics and traces to wrangler.jsonc. */
export const init: Command = {
  usage: "init",
  summary: "Add the bindings of metrics and traces to wrangler.jsonc",
  options: {
    config: { type: "string" },
    env: { type: "string" },
    write: { type: "boolean" },
    queue: { type: "string" },
    class: { type: "string" },
    "queue-binding": { type: "string" },
    "aggregator-binding": { type: "string" },
    "kv-binding": { type: "string" },
  },
  positionals: [0, 0],
  async run(invocation) {
    const { io, text, flag } = invocation;
    const file = openConfig(io, text("config"));
    const sections = new Sections(parseConfig(file), text("env"), file.shownPath);
    const { additions, kept, hints } = planBindings(sections, namesOf(invocation));
    const after = applyAdditions(file.text, additions, file.shownPath);
    // Checks that the new text can be parsed.
    parseConfig({ shownPath: file.shownPath, text: after });
    const diff = unifiedDiff(file.shownPath, file.text, after);
    const isWritten = diff !== "" && flag("write");
    if (isWritten) writeFileSync(file.path, after);
    return {
      json: { path: file.path, changed: diff !== "", written: isWritten, diff, kept, hints },
      text: [
        diff,
        ...kept.map((what) => `kept: ${what}\n`),
        ...hints.map((hint) => `note: ${hint}\n`),
        summaryOf(file.shownPath, diff !== "", isWritten),
      ].join(""),
    };
  },
};

function namesOf({ text }: CommandCall) {
  return {
    queueBinding: text("queue-binding") ?? defaultNames.queueBinding,
    aggregatorBinding: text("aggregator-binding") ?? defaultNames.aggregatorBinding,
    kvBinding: text("kv-binding") ?? defaultNames.kvBinding,
    className: text("class") ?? defaultNames.className,
    queue: text("queue"),
  };
}

function summaryOf(path: string, isChanged: boolean, isWritten: boolean): string {
  if (!isChanged) return `${path} has all bindings.\n`;
  if (!isWritten) return `Nothing was written: npx isotel init --write changes ${path}.\n`;
  return (
    `${path} was changed. Next: export { TelemetryAggregator } from "isotel/aggregator" and ` +
    `import "isotel/metrics" in the Worker, then npx isotel setup.\n`
  );
}

const contextLines = 3;

type Line = readonly [mark: " " | "-" | "+", text: string];

/** Returns the unified diff of two texts. Empty if they are equal. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return "";
  const lines = diffLines(before.split("\n"), after.split("\n"));
  const near = lines.map((_, index) =>
    lines
      .slice(Math.max(0, index - contextLines), index + contextLines + 1)
      .some(([mark]) => mark !== " "),
  );
  const output = [`--- ${path}`, `+++ ${path}`];
  let oldLine = 1;
  let newLine = 1;
  for (let index = 0; index < lines.length; index += 1) {
    const [mark, text] = lines[index] as Line;
    if (near[index] === true) {
      if (near[index - 1] !== true) {
        const end = near.indexOf(false, index);
        const hunk = lines.slice(index, end === -1 ? undefined : end);
        const count = (other: string) => hunk.filter(([own]) => own !== other).length;
        output.push(`@@ -${oldLine},${count("+")} +${newLine},${count("-")} @@`);
      }
      output.push(mark + text.replace(/\r$/, ""));
    }
    if (mark !== "+") oldLine += 1;
    if (mark !== "-") newLine += 1;
  }
  return `${output.join("\n")}\n`;
}

/** Returns the lines of both texts. Lines of the longest common subsequence appear once. */
function diffLines(before: readonly string[], after: readonly string[]): Line[] {
  const common = before.map(() => new Uint32Array(after.length + 1));
  common.push(new Uint32Array(after.length + 1));
  const at = (row: number, column: number) => common[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      (common[row] as Uint32Array)[column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Line[] = [];
  let row = 0;
  let column = 0;
  while (row < before.length || column < after.length) {
    if (row < before.length && column < after.length && before[row] === after[column]) {
      lines.push([" ", before[row] as string]);
      row += 1;
      column += 1;
    } else if (
      column >= after.length ||
      (row < before.length && at(row + 1, column) >= at(row, column + 1))
    ) {
      lines.push(["-", before[row] as string]);
      row += 1;
    } else {
      lines.push(["+", after[column] as string]);
      column += 1;
    }
  }
  return lines;
}
