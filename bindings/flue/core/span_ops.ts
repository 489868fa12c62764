import { FlueAbi, FlueEnding, type flueSpans as FlueSpanRows, flueSpans } from "../abi.gen.ts";
import { type FlueEvent, readPath } from "../events/event.ts";

// Readers of the core's actions.

/** Actions of the core, FlueAbi.opSize numbers each. */
export type Actions = readonly number[];

/** A row of src/flue/spans.def. */
type SpanRow = (typeof FlueSpanRows)[number];

/** Returns whether an action affects the span of the event itself. Otherwise the event only ends other spans. */
export function concernsEvent(actions: Actions): boolean {
  for (let at = 0; at < actions.length; at += FlueAbi.opSize) {
    const isEnd = actions[at + FlueAbi.opCode] === FlueAbi.end;
    if (!isEnd || actions[at + FlueAbi.opEnding] === FlueEnding.ownEvent) return true;
  }
  return false;
}

/** Returns the position in `flueSpans` of the action's span. */
export function spanNumber(actions: Actions, at: number): number {
  return actions[at + FlueAbi.opType] ?? 0;
}

export function spanRow(number: number): SpanRow {
  const row = flueSpans[number];
  if (row === undefined) throw new Error("isotel: the Flue module returned an unknown span type");
  return row;
}

/** Returns prefix and target. Returns the prefix if the event has no target. */
export function nameOf({ prefix, targets }: SpanRow, event: FlueEvent, format: number): string {
  const path: readonly string[] = targets[format === FlueAbi.v3 ? 1 : 0];
  const target = path.length === 0 ? undefined : readPath(event, path);
  return typeof target === "string" && target !== "" ? `${prefix} ${target}` : prefix;
}

const slotMask = (1 << FlueAbi.slotBits) - 1;

/** The sink's spans by handle of the core. A slot has one open span at a time. */
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

  /** Returns the span and removes it. */
  take(handle: number): Span | undefined {
    const span = this.get(handle);
    if (span !== undefined) this.#spans[handle & slotMask] = undefined;
    return span;
  }

  /** Returns all spans and removes them. */
  takeAll(): Span[] {
    const spans = this.#spans.filter((span) => span !== undefined);
    this.#spans.length = 0;
    this.#handles.length = 0;
    return spans;
  }
}
