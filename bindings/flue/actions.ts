// What the core answered, read.
import { FlueAbi, FlueEnding, type flueSpans as FlueSpanRows, flueSpans } from "./abi.gen.ts";
import { type FlueEvent, readPath } from "./event.ts";

/** As the core answers them, FlueAbi.opSize numbers each. */
export type Actions = readonly number[];

/** A row of src/flue/spans.def. */
export type SpanRow = (typeof FlueSpanRows)[number];

/** Whether an action is about the event itself, and not only about what ends with it. */
export function concernsEvent(actions: Actions): boolean {
  for (let at = 0; at < actions.length; at += FlueAbi.opSize) {
    const isEnd = actions[at + FlueAbi.opCode] === FlueAbi.end;
    if (!isEnd || actions[at + FlueAbi.opEnding] === FlueEnding.ownEvent) return true;
  }
  return false;
}

/** The position in `flueSpans` of the span an action is about. */
export function spanNumber(actions: Actions, at: number): number {
  return actions[at + FlueAbi.opType] ?? 0;
}

export function spanRow(number: number): SpanRow {
  const row = flueSpans[number];
  if (row === undefined) throw new Error("isotel: no such span of Flue");
  return row;
}

/** The prefix and the target; just the prefix where the event does not say. */
export function nameOf({ prefix, targets }: SpanRow, event: FlueEvent, format: number): string {
  const path: readonly string[] = targets[format === FlueAbi.v3 ? 1 : 0];
  const target = path.length === 0 ? undefined : readPath(event, path);
  return typeof target === "string" && target !== "" ? `${prefix} ${target}` : prefix;
}
