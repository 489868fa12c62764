import { FlueAbi, FlueIds } from "../abi.gen.ts";
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

/** The identifiers by which the core correlates events. Empty if an event has none. */
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
 * Returns the identifiers of an event, or of any object with the same property names.
 *
 * @param wanted Bits of FlueIds. Other identifiers are not read.
 */
export function readIds(from: object, wanted: number): EventIds {
  // Engines read a literal property name faster than a name in a variable.
  const source: Identified = from;
  return {
    run: (wanted & FlueIds.run) === 0 ? "" : textOf(source.runId),
    instance: (wanted & FlueIds.instance) === 0 ? "" : textOf(source.instanceId),
    session: (wanted & FlueIds.session) === 0 ? "" : textOf(source.session),
    operation: (wanted & FlueIds.operation) === 0 ? "" : textOf(source.operationId),
    task: (wanted & FlueIds.task) === 0 ? "" : textOf(source.taskId),
    turn: (wanted & FlueIds.turn) === 0 ? "" : textOf(source.turnId),
    toolCall: (wanted & FlueIds.toolCall) === 0 ? "" : textOf(source.toolCallId),
    submission: (wanted & FlueIds.submission) === 0 ? "" : textOf(source.submissionId),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/**
 * Returns the flags of isotel_flue_event().
 *
 * @param isGenAi Whether the spans follow the GenAI conventions.
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
