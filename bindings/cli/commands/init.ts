import { writeFileSync } from "node:fs";
import type { Command, Invocation } from "../command.ts";
import { unifiedDiff } from "../diff.ts";
import { applyAdditions } from "../wrangler/additions.ts";
import { openConfig, parseConfig } from "../wrangler/config_file.ts";
import { defaultNames, planBindings } from "../wrangler/plan_bindings.ts";
import { Sections } from "../wrangler/sections.ts";

/** `isotel init`: adds to wrangler.jsonc what metrics and traces need. */
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
    // What is written can be read again.
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

function namesOf({ text }: Invocation) {
  return {
    queueBinding: text("queue-binding") ?? defaultNames.queueBinding,
    aggregatorBinding: text("aggregator-binding") ?? defaultNames.aggregatorBinding,
    kvBinding: text("kv-binding") ?? defaultNames.kvBinding,
    className: text("class") ?? defaultNames.className,
    queue: text("queue"),
  };
}

function summaryOf(path: string, isChanged: boolean, isWritten: boolean): string {
  if (!isChanged) return `${path} has all of it.\n`;
  if (!isWritten) return `Nothing was written: npx isotel init --write changes ${path}.\n`;
  return `${path} was changed. Next: export { TelemetryAggregator } from "isotel/metrics" in the Worker, then npx isotel setup.\n`;
}
