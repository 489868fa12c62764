import { FlueAbi, FlueIds } from "./abi.gen.ts";
import { readText } from "./event.ts";

interface Identified {
  readonly runId?: unknown;
  readonly instanceId?: unknown;
  readonly session?: unknown;
  readonly operationId?: unknown;
  readonly taskId?: unknown;
  readonly turnId?: unknown;
  readonly toolCallId?: unknown;
  readonly submissionId?: unknown;
}

/** What the core correlates an event by; empty for none. */
export interface EventIds {
  readonly run: string;
  readonly instance: string;
  readonly session: string;
  readonly operation: string;
  readonly task: string;
  readonly turn: string;
  readonly toolCall: string;
  readonly submission: string;
}

/**
 * The identifiers of an event, or of anything that has them under the same names.
 *
 * @param wanted bits of FlueIds: what plays no part is not read.
 */
export function readIds(from: object, wanted: number): EventIds {
  // Each by a name that stands here, which engines read faster than one in a variable.
  const given: Identified = from;
  return {
    run: (wanted & FlueIds.run) === 0 ? "" : textOf(given.runId),
    instance: (wanted & FlueIds.instance) === 0 ? "" : textOf(given.instanceId),
    session: (wanted & FlueIds.session) === 0 ? "" : textOf(given.session),
    operation: (wanted & FlueIds.operation) === 0 ? "" : textOf(given.operationId),
    task: (wanted & FlueIds.task) === 0 ? "" : textOf(given.taskId),
    turn: (wanted & FlueIds.turn) === 0 ? "" : textOf(given.turnId),
    toolCall: (wanted & FlueIds.toolCall) === 0 ? "" : textOf(given.toolCallId),
    submission: (wanted & FlueIds.submission) === 0 ? "" : textOf(given.submissionId),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/**
 * Flags of isotel_flue_event().
 *
 * @param isGenAi whether it becomes spans as the conventions for generative AI have them.
 */
export function flagsOf(event: object, isGenAi: boolean): number {
  const { purpose } = event as { readonly purpose?: unknown };
  const isCompaction = typeof purpose === "string" && purpose.startsWith("compaction");
  const flags = isCompaction ? FlueAbi.compactionTurn : 0;
  return isGenAi ? flags | genAiFlags(event) : flags;
}

function genAiFlags(event: object): number {
  const kind = readText(event, "operationKind");
  const origin = readText(event, "origin");
  const tool = readText(event, "toolName");
  const isShell = kind === "shell" || (origin === "caller" && tool === "bash");
  return (
    FlueAbi.genAi |
    (kind === "prompt" ? FlueAbi.prompt : 0) |
    (kind === "skill" ? FlueAbi.skill : 0) |
    (isShell ? FlueAbi.shell : 0) |
    (origin === "framework" && tool === "task" ? FlueAbi.taskTool : 0)
  );
}
