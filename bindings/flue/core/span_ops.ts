import { FlueAbi, FlueEnding, type flueSpans as FlueSpanRows, flueSpans } from "../abi.gen.ts";
import { type FlueEvent, readPath } from "../events/event.ts";

// What the core answered, read.

/** As the core answers them, FlueAbi.flueActionSize numbers each. */
export type Actions = readonly number[];

/** A row of src/flue/spans.def. */
type SpanRow = (typeof FlueSpanRows)[number];

/** Whether an action is about the event itself, and not only about what ends with it. */
export function concernsEvent(actions: Actions): boolean {
  for (let at = 0; at < actions.length; at += FlueAbi.flueActionSize) {
    const isEnd = actions[at + FlueAbi.flueActionVerb] === FlueAbi.flueEnd;
    if (!isEnd || actions[at + FlueAbi.flueActionEnding] === FlueEnding.ownEvent) return true;
  }
  return false;
}

/** The position in `flueSpans` of the span an action is about. */
export function spanNumber(actions: Actions, at: number): number {
  return actions[at + FlueAbi.flueActionType] ?? 0;
}

export function spanRow(number: number): SpanRow {
  const row = flueSpans[number];
  if (row === undefined) throw new Error("isotel: no such span of Flue");
  return row;
}

/** The prefix and the target; just the prefix where the event does not say. */
export function nameOf({ prefix, targets }: SpanRow, event: FlueEvent, format: number): string {
  const path: readonly string[] = targets[format === FlueAbi.flueV3 ? 1 : 0];
  const target = path.length === 0 ? undefined : readPath(event, path);
  return typeof target === "string" && target !== "" ? `${prefix} ${target}` : prefix;
}

const slotMask = (1 << FlueAbi.flueSlotBits) - 1;

/** What a sink made of the open spans, by the core's handles. A slot has one open span at a time. */
export class SpansByHandle<Span> {
  readonly #handles: number[] = [];
  readonly #spans: (Span | undefined)[] = [];

  get(handle: number): Span | undefined {
    const slot = handle & slotMask;
    return this.#handles[slot] === handle ? this.#spans[slot] : undefined;
  }

  set(handle: number, span: Span): void {
    const slot = handle & slotMask;
    this.#handles[slot] = handle;
    this.#spans[slot] = span;
  }

  /** The span, which is forgotten. */
  take(handle: number): Span | undefined {
    const span = this.get(handle);
    if (span !== undefined) this.#spans[handle & slotMask] = undefined;
    return span;
  }

  /** Every span, which are all forgotten. */
  takeAll(): Span[] {
    const spans = this.#spans.filter((span) => span !== undefined);
    this.#spans.length = 0;
    this.#handles.length = 0;
    return spans;
  }
}
