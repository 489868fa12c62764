import { FlueAbi } from "./abi.gen.ts";
import { readText } from "./event.ts";

/** What the core correlates an event by. */
export interface EventIds {
  /** The identifiers in the core's order, empty for none, with a zero character between each two. */
  readonly text: string;
  /** Flags of isotel_flue_event(). */
  readonly flags: number;
}

/** The identifiers of an event, or of anything that has them under the same names. */
export function idText(from: object): string {
  const run = readText(from, "runId");
  const instance = readText(from, "instanceId");
  const session = readText(from, "session");
  const operation = readText(from, "operationId");
  const task = readText(from, "taskId");
  const turn = readText(from, "turnId");
  const toolCall = readText(from, "toolCallId");
  const submission = readText(from, "submissionId");
  return `${run}\0${instance}\0${session}\0${operation}\0${task}\0${turn}\0${toolCall}\0${submission}`;
}

/** @param isGenAi whether it becomes spans as the conventions for generative AI have them. */
export function readIds(event: object, isGenAi: boolean): EventIds {
  const isCompaction = readText(event, "purpose").startsWith("compaction");
  const flags = isCompaction ? FlueAbi.flueCompactionTurn : 0;
  return { text: idText(event), flags: isGenAi ? flags | genAiFlags(event) : flags };
}

function genAiFlags(event: object): number {
  const kind = readText(event, "operationKind");
  const origin = readText(event, "origin");
  const tool = readText(event, "toolName");
  const isShell = kind === "shell" || (origin === "caller" && tool === "bash");
  return (
    FlueAbi.flueGenAi |
    (kind === "prompt" ? FlueAbi.fluePrompt : 0) |
    (kind === "skill" ? FlueAbi.flueSkill : 0) |
    (isShell ? FlueAbi.flueShell : 0) |
    (origin === "framework" && tool === "task" ? FlueAbi.flueTaskTool : 0)
  );
}
