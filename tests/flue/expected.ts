import type { Scenario } from "./agents.ts";

/** The spans of each scenario, `child < parent`, sorted. */
export const expectedEdges: Readonly<Record<Scenario, readonly string[]>> = {
  toolAndTask: [
    "chat child < flue.operation prompt",
    "chat parent < flue.operation prompt",
    "chat parent < flue.operation prompt",
    "flue.operation prompt",
    "flue.operation prompt < flue.task summarizer",
    "flue.task summarizer < flue.operation prompt",
    "flue.tool lookup < flue.operation prompt",
    "flue.tool task < flue.operation prompt",
  ],
  failingTool: [
    "chat parent < flue.operation prompt",
    "chat parent < flue.operation prompt",
    "flue.operation prompt",
    "flue.tool boom < flue.operation prompt",
  ],
  aborted: ["chat parent < flue.operation prompt", "flue.operation prompt"],
  compaction: [
    "chat parent < flue.compaction",
    "chat parent < flue.compaction",
    "chat parent < flue.compaction",
    "chat parent < flue.operation prompt",
    "chat parent < flue.operation prompt",
    "flue.compaction < flue.operation prompt",
    "flue.compaction < flue.operation prompt",
    "flue.operation prompt",
    "flue.operation prompt",
  ],
};

/** The spans that fail, with their message. */
export const expectedFailures: Readonly<Record<Scenario, readonly string[]>> = {
  toolAndTask: [],
  failingTool: ["flue.tool boom: Tool call failed."],
  aborted: ["chat parent: Model turn failed.", "flue.operation prompt: Operation failed."],
  compaction: [],
};
