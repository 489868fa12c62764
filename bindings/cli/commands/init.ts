import { writeFileSync } from "node:fs";
import {
  CliError,
  type Command,
  type CommandCall,
  configOptions,
  flag,
  option,
  type Report,
  usageError,
} from "../command.ts";
import { type Addition, applyAdditions } from "../wrangler/additions.ts";
import { codeLines } from "../wrangler/code_lines.ts";
import { type ConfigFile, openConfig, parseConfig } from "../wrangler/config_file.ts";
import {
  type BindingsPlan,
  defaultNames,
  type Names,
  type Parts,
  planBindings,
} from "../wrangler/plan_bindings.ts";
import { Sections } from "../wrangler/sections.ts";
import { editToml, tablesOf } from "../wrangler/toml_edit.ts";

/** `isotel init`: adds the settings for traces and metrics to the configuration of a Worker. */
export const init: Command = {
  usage: "init",
  summary: "Add the settings of traces and metrics to wrangler.jsonc or wrangler.toml",
  options: {
    traces: flag("Add traces: nodejs_compat and observability"),
    metrics: flag("Add metrics: nodejs_compat, a queue, a Durable Object and KV"),
    collector: option(
      "NAME",
      "Send the events of the Worker to a collector, a Worker of this name",
    ),
    all: flag("Add traces and metrics. Default if no other part is given"),
    write: flag("Write the file. Default: only show the difference"),
    ...configOptions,
    queue: option("NAME", "Name of the queue. Default: the Worker's name and -telemetry"),
    class: option("NAME", `Class of the Durable Object. Default: ${defaultNames.className}`),
    "script-name": option("NAME", "Another Worker that has the Durable Object. Default: this one"),
    "queue-binding": option("NAME", `Binding of the queue. Default: ${defaultNames.queueBinding}`),
    "aggregator-binding": option(
      "NAME",
      `Binding of the Durable Object. Default: ${defaultNames.aggregatorBinding}`,
    ),
    "kv-binding": option("NAME", `Binding of the KV namespace. Default: ${defaultNames.kvBinding}`),
  },
  positionals: [0, 0],
  async run(invocation) {
    const { io, text } = invocation;
    const file = openConfig(io, text("config"));
    const parts = partsOf(invocation);
    if (file.format === "typescript") return pastedCode(invocation, file, parts);
    const sections = new Sections(parseConfig(file), text("env"), file.shownPath);
    const plan = planBindings(sections, namesOf(invocation), parts);
    const after = edited(file, plan.additions);
    // Checks that the new text can be parsed.
    parseConfig({ ...file, text: after });
    const diff = unifiedDiff(file.shownPath, file.text, after);
    const isWritten = diff !== "" && invocation.flag("write");
    if (isWritten) writeFileSync(file.path, after);
    const { kept, hints } = plan;
    const notes = [...hints, ...notesOf(invocation, plan, sections.main)];
    return {
      json: { path: file.path, changed: diff !== "", written: isWritten, diff, kept, hints: notes },
      text: [
        diff,
        ...kept.map((what) => `kept: ${what}\n`),
        ...notes.map((note) => `note: ${note}\n`),
        summaryOf(invocation, file.shownPath, diff !== "", isWritten),
      ].join(""),
    };
  },
};

function edited({ format, shownPath, text }: ConfigFile, additions: readonly Addition[]): string {
  if (additions.length === 0) return text;
  if (format === "json") return applyAdditions(text, additions, shownPath);
  const after = editToml(text, additions);
  if (after !== undefined) return after;
  const keys = [...new Set(additions.map(({ path }) => path.join(".")))].join(", ");
  throw new CliError(
    `${shownPath} has inline tables or lists that isotel cannot extend: merge this into ${keys} by hand`,
    1,
    tablesOf(additions),
  );
}

/** Returns the lines for a configuration that is code. */
function pastedCode(invocation: CommandCall, file: ConfigFile, parts: Parts): Report {
  if (invocation.flag("write")) {
    throw usageError(
      `${file.shownPath} is code, which isotel does not edit: run without --write to see the lines to paste`,
    );
  }
  const plan = planBindings(
    new Sections({}, undefined, file.shownPath),
    namesOf(invocation),
    parts,
  );
  const lines = codeLines(plan.additions);
  const notes = notesOf(invocation, plan, undefined);
  return {
    json: { path: file.path, changed: false, written: false, lines, hints: notes },
    text: [
      `${file.shownPath} is code, which isotel does not edit. Add what is missing to it:\n\n${lines}\n`,
      ...notes.map((note) => `note: ${note}\n`),
    ].join(""),
  };
}

function partsOf({ text, flag: has }: CommandCall): Parts {
  const collector = text("collector");
  const isDefault = !has("traces") && !has("metrics") && collector === undefined;
  const all = has("all") || isDefault;
  return {
    traces: has("traces") ? "asked" : all,
    metrics: has("metrics") || all,
    collector,
  };
}

function namesOf({ text }: CommandCall): Names {
  return {
    queueBinding: text("queue-binding") ?? defaultNames.queueBinding,
    aggregatorBinding: text("aggregator-binding") ?? defaultNames.aggregatorBinding,
    kvBinding: text("kv-binding") ?? defaultNames.kvBinding,
    className: text("class") ?? defaultNames.className,
    queue: text("queue"),
    script: text("script-name"),
  };
}

/** Returns what the user has to do besides the configuration. */
function notesOf(
  { text, flag: has }: CommandCall,
  { exported }: BindingsPlan,
  main: string | undefined,
): string[] {
  const isDefault = !["traces", "metrics", "all"].some(has) && text("collector") === undefined;
  const notes = isDefault
    ? ["--all is the default; --traces, --metrics and --collector NAME add one part only"]
    : [];
  if (exported === undefined) return notes;
  const source = defaultNames.className;
  const name = exported === source ? source : `${source} as ${exported}`;
  notes.push(
    `the Worker deploys only if its main module${main === undefined ? "" : `, ${main},`} has these lines:\n` +
      `  import "isotel/metrics";\n  export { ${name} } from "isotel/aggregator";\n` +
      "and a default export made by withTelemetry, which consumes the queue",
  );
  return notes;
}

function summaryOf(
  { flag: has }: CommandCall,
  path: string,
  isChanged: boolean,
  isWritten: boolean,
): string {
  if (!isChanged) return `${path} needs no change.\n`;
  if (!isWritten) return `Nothing was written: npx isotel init --write changes ${path}.\n`;
  const hasQueue = has("metrics") || has("all") || !has("traces");
  return `${path} was changed.${hasQueue ? " Next: npx isotel setup creates the queues." : ""}\n`;
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
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const same = (line: string): Line => [" ", line];
  return [
    ...before.slice(0, start).map(same),
    ...diffMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

/** Compares every line with every line. Above this number of pairs, all lines count as changed. */
const maxPairs = 4_000_000;

function diffMiddle(before: readonly string[], after: readonly string[]): Line[] {
  if (before.length * after.length > maxPairs) {
    return [...before.map((line): Line => ["-", line]), ...after.map((line): Line => ["+", line])];
  }
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
