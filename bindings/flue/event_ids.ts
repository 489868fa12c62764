import { type FlueEvent, readText } from "./event.ts";

/** What the core correlates an event by. */
export interface EventIds {
  /** The identifiers in the core's order, empty for none, with a zero character between each two. */
  readonly text: string;
  /** Whether it is of a turn that summarizes for a compaction. */
  readonly isCompactionTurn: boolean;
}

export function readIds(event: FlueEvent): EventIds {
  const run = readText(event, "runId");
  const instance = readText(event, "instanceId");
  const session = readText(event, "session");
  const operation = readText(event, "operationId");
  const task = readText(event, "taskId");
  const turn = readText(event, "turnId");
  const toolCall = readText(event, "toolCallId");
  return {
    text: `${run}\0${instance}\0${session}\0${operation}\0${task}\0${turn}\0${toolCall}`,
    isCompactionTurn: readText(event, "purpose").startsWith("compaction"),
  };
}
