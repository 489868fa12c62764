import { FlueAbi } from "./abi.gen.ts";

const slotMask = (1 << FlueAbi.slotBits) - 1;

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
