// Replaces `cloudflare:workers` in Node. Both sides of a benchmark write to these spans.

type Value = string | number | boolean;

/** A finished span as the benchmarks check it. */
export interface Finished {
  readonly name: string;
  readonly attributes: Readonly<Record<string, Value>>;
}

interface FakeSpan {
  readonly isTraced: boolean;
  setAttribute(key: string, value: Value): void;
  setStatus(): void;
  end(): void;
  finished?(): Finished;
}

// The queue of OpenTelemetry's batch processor: finished spans stay alive until they are exported. If they were dropped
// at once, garbage collection would free their data at no cost, which would favour the side with more data per span.
const ringSize = 2048;
const ring: (FakeSpan | undefined)[] = new Array<undefined>(ringSize).fill(undefined);
let finishedSpans = 0;
let openedSpans = 0;

function keep(span: FakeSpan): void {
  ring[finishedSpans % ringSize] = span;
  finishedSpans += 1;
}

class ArraySpan implements FakeSpan {
  readonly name: string;
  readonly entries: Value[] = [];
  isTraced = true;

  constructor(name: string) {
    this.name = name;
  }

  setAttribute(key: string, value: Value): void {
    this.entries.push(key, value);
  }

  setStatus(): void {}

  end(): void {
    this.isTraced = false;
    keep(this);
  }

  finished(): Finished {
    const { name, entries } = this;
    const attributes: Record<string, Value> = {};
    for (let i = 0; i < entries.length; i += 2) {
      attributes[String(entries[i])] = entries[i + 1] as Value;
    }
    return { name, attributes };
  }
}

class MapSpan implements FakeSpan {
  readonly name: string;
  readonly entries = new Map<string, Value>();
  isTraced = true;

  constructor(name: string) {
    this.name = name;
  }

  setAttribute(key: string, value: Value): void {
    this.entries.set(key, value);
  }

  setStatus(): void {}

  end(): void {
    this.isTraced = false;
    keep(this);
  }

  finished(): Finished {
    return { name: this.name, attributes: Object.fromEntries(this.entries) };
  }
}

class UntracedSpan implements FakeSpan {
  readonly isTraced = false;

  setAttribute(): void {}

  setStatus(): void {}

  end(): void {}
}

/** The kind of spans that `tracing` creates. */
export type SpanKind = "array" | "map" | "untraced";

const makers: Readonly<Record<SpanKind, (name: string) => FakeSpan>> = {
  array: (name) => new ArraySpan(name),
  map: (name) => new MapSpan(name),
  untraced: () => new UntracedSpan(),
};

let make = makers.array;

export function useSpans(kind: SpanKind): void {
  make = makers[kind];
}

/** Returns the spans that `work` opened. Throws if one of them has not ended. */
export async function spansOf(work: () => unknown): Promise<Finished[]> {
  const opened = openedSpans;
  const finished = finishedSpans;
  await work();
  // Spans of a stream end some microtasks after its reader has seen the end.
  await new Promise((resolve) => setTimeout(resolve, 10));
  const count = finishedSpans - finished;
  if (count !== openedSpans - opened) {
    throw new Error(`${openedSpans - opened} spans were opened and ${count} ended.`);
  }
  return Array.from({ length: count }, (_, index) => {
    const span = ring[(finished + index) % ringSize];
    return span?.finished?.() ?? { name: "untraced", attributes: {} };
  });
}

function open(name: string): FakeSpan {
  openedSpans += 1;
  return make(name);
}

export const tracing = {
  startActiveSpan<T>(name: string, body: (span: FakeSpan) => T): T {
    return body(open(name));
  },
  startSpan: open,
  withActiveSpan<T>(_span: FakeSpan, body: () => T): T {
    return body();
  },
  getActiveSpan(): undefined {},
};

// The loaded packages extend these classes.
export class DurableObject {}
export class WorkerEntrypoint {}
export const env = {};
