// Programs that use the trace API in every way, made from a seed. The same program runs over any provider.
import {
  type Context,
  type ContextManager,
  context as contextApi,
  createContextKey,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { Random } from "../wasm/support/random.ts";

/** Spans of other processes. The last one is not valid. */
export const remotes = [
  { traceId: "a".repeat(32), spanId: "1".repeat(16), traceFlags: 1, isRemote: true },
  { traceId: "b".repeat(32), spanId: "2".repeat(16), traceFlags: 0, isRemote: true },
  {
    traceId: "c".repeat(32),
    spanId: "3".repeat(16),
    traceFlags: 1,
    isRemote: true,
    traceState: createTraceState("vendor=1,other=x"),
  },
  { traceId: "0".repeat(32), spanId: "4".repeat(16), traceFlags: 1, isRemote: true },
];

const suppressKey = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
const valueKey = createContextKey("a value of the program");

const texts = ["", "text", "ä", "🚀", "x".repeat(40), "\u0000"];
const values: readonly unknown[] = [
  ...texts,
  0,
  -1.5,
  2 ** 40,
  true,
  false,
  null,
  undefined,
  [],
  ["a", "b"],
  ["a", null],
  [null],
  [1, 2.5],
  [true, false],
  [1, "a"],
  [["a"]],
  { a: 1 },
  10n,
  () => 1,
];
const keys = ["a", "b", "c.d", "ä", "", "x".repeat(30)];
/** Times that are no earlier than the epoch of `performance.now()`. */
const times: readonly unknown[] = [
  undefined,
  new Date(4_000_000_000_123),
  4_000_000_000_456.5,
  [4_000_000_000, 123_400_000],
  [4_000_000_001, 0],
  5,
];

/** What a run has shown, besides the spans that were exported. */
export interface Observation {
  readonly log: readonly string[];
  /** The number of a span by its span id. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** Runs the program of a seed. */
export async function runProgram(
  seed: number,
  provider: TracerProvider,
  contexts: ContextManager,
): Promise<Observation> {
  contextApi.disable();
  contextApi.setGlobalContextManager(contexts.enable());
  const run = new Run(seed, provider);
  try {
    await run.body(3);
    run.endRest();
  } finally {
    contextApi.disable();
  }
  return run;
}

class Run implements Observation {
  readonly log: string[] = [];
  readonly numbers = new Map<string, number>();
  readonly #random: Random;
  readonly #tracers: readonly Tracer[];
  readonly #spans: Span[] = [];
  readonly #bound: (() => void)[] = [];
  #steps: number;

  constructor(seed: number, provider: TracerProvider) {
    this.#random = new Random(seed);
    this.#steps = 10 + this.#random.below(30);
    this.#tracers = [provider.getTracer("first", "1.0.0"), provider.getTracer("second")];
  }

  async body(depth: number): Promise<void> {
    const random = this.#random;
    for (let left = 1 + random.below(8); left > 0 && this.#steps > 0; left -= 1) {
      this.#steps -= 1;
      await this.#step(depth);
    }
  }

  /** Ends most of the spans that are still open. */
  endRest(): void {
    for (const call of this.#bound) call();
    for (const span of this.#spans) if (!this.#random.once(10)) span.end();
  }

  async #step(depth: number): Promise<void> {
    const random = this.#random;
    switch (random.below(depth > 0 ? 16 : 11)) {
      case 0:
      case 1:
        this.#start();
        return;
      case 2:
        this.#on((span) => span.setAttribute(random.pick(keys), random.pick(values) as string));
        return;
      case 3:
        this.#on((span) => span.setAttributes(this.#attributes() as never));
        return;
      case 4:
        this.#on((span) => this.#event(span));
        return;
      case 5:
        this.#on((span) => this.#exception(span));
        return;
      case 6:
        this.#on((span) => {
          const message = random.pick([undefined, "", "broken", 5 as never]);
          span.setStatus({ code: random.below(3), ...(message !== undefined && { message }) });
        });
        return;
      case 7:
        this.#on((span) => this.#rest(span));
        return;
      case 8:
        this.#on((span) => span.end(random.pick(times) as number));
        return;
      case 9:
        this.#observe();
        return;
      case 10:
        await random.pick([
          () => null,
          () => new Promise((resolve) => setImmediate(resolve)),
          () => new Promise((resolve) => setTimeout(resolve, 0)),
          () => new Promise<void>((resolve) => queueMicrotask(resolve)),
        ])();
        this.#observe();
        return;
      case 11:
      case 12:
        await this.#startActive(depth);
        return;
      case 13:
        await contextApi.with(this.#context(), () => this.body(depth - 1));
        this.#observe();
        return;
      case 14:
        // Runs at the end, outside of the context in which it was bound.
        this.#bound.push(
          contextApi.bind(
            random.once(2) ? contextApi.active() : this.#context(),
            () => void this.#observe(),
          ),
        );
        return;
      default:
        this.#throws();
    }
  }

  #on(use: (span: Span) => void): void {
    const active = this.#random.once(3) ? trace.getActiveSpan() : undefined;
    const span = active ?? (this.#spans.length > 0 ? this.#random.pick(this.#spans) : undefined);
    if (span !== undefined) use(span);
  }

  #opened(span: Span): void {
    const number = this.#spans.push(span);
    if (span.isRecording()) this.numbers.set(span.spanContext().spanId, number);
    this.log.push(`opened ${this.#seen(span)}`);
  }

  #start(): void {
    const random = this.#random;
    const name = `span ${this.#spans.length + 1}`;
    const context = random.once(3) ? this.#context() : undefined;
    this.#opened(random.pick(this.#tracers).startSpan(name, this.#options(), context));
  }

  async #startActive(depth: number): Promise<void> {
    const random = this.#random;
    const name = `span ${this.#spans.length + 1}`;
    const tracer = random.pick(this.#tracers);
    const inside = async (span: Span) => {
      this.#opened(span);
      this.#observe();
      await this.body(depth - 1);
      this.#observe();
      if (!random.once(4)) span.end();
      return name;
    };
    const form = random.below(3);
    const result =
      form === 0
        ? tracer.startActiveSpan(name, inside)
        : form === 1
          ? tracer.startActiveSpan(name, this.#options(), inside)
          : tracer.startActiveSpan(name, this.#options(), this.#context(), inside);
    this.log.push(`result ${await result}`);
    this.#observe();
  }

  #throws(): void {
    const failure = new Error("of the program");
    try {
      this.#random.pick(this.#tracers).startActiveSpan(`span ${this.#spans.length + 1}`, (span) => {
        this.#opened(span);
        throw failure;
      });
    } catch (error) {
      this.log.push(`thrown ${error === failure}`);
    }
    this.#observe();
  }

  #context(): Context {
    const random = this.#random;
    const base = random.once(2) ? contextApi.active() : ROOT_CONTEXT;
    const span = this.#spans.length > 0 ? random.pick(this.#spans) : undefined;
    switch (random.below(7)) {
      case 0:
        return ROOT_CONTEXT;
      case 1:
        return base.setValue(suppressKey, random.pick([true, false]));
      case 2:
        return trace.setSpanContext(base, random.pick(remotes));
      case 3:
        return trace.deleteSpan(contextApi.active());
      case 4:
        return base.setValue(valueKey, random.below(100));
      default:
        return span === undefined ? base : trace.setSpan(base, span);
    }
  }

  #options(): SpanOptions {
    const random = this.#random;
    const links: Link[] = [];
    for (let left = random.once(4) ? random.below(4) : 0; left > 0; left -= 1)
      links.push(this.#link());
    return {
      ...(random.once(4) && { root: true }),
      ...(random.once(2) && { kind: random.below(5) }),
      ...(random.once(3) && { startTime: random.pick(times) as number }),
      ...(random.once(2) && { attributes: this.#attributes() as never }),
      ...(links.length > 0 && { links }),
    };
  }

  #attributes(): Record<string, unknown> {
    const random = this.#random;
    const attributes: Record<string, unknown> = {};
    const many = random.once(20) ? 130 : random.below(4);
    for (let i = 0; i < many; i += 1) {
      if (many > 4) attributes[`many ${i}`] = i;
      else attributes[random.pick(keys)] = random.pick(values);
    }
    return attributes;
  }

  #link(): Link {
    const random = this.#random;
    const own = this.#spans.length > 0 && random.once(2);
    const context = own ? random.pick(this.#spans).spanContext() : random.pick(remotes.slice(0, 3));
    return { context, ...(random.once(2) && { attributes: this.#attributes() as never }) };
  }

  #event(span: Span): void {
    const random = this.#random;
    const many = random.once(20) ? 130 : 1;
    for (let i = 0; i < many; i += 1) {
      const name = `event ${i}`;
      const [first, second] = [random.pick(times), random.pick(times)] as [number, number];
      if (random.once(2)) span.addEvent(name, first, second);
      else span.addEvent(name, this.#attributes() as never, random.pick(times) as number);
    }
  }

  #exception(span: Span): void {
    const random = this.#random;
    const plain = random.pick([
      "text",
      "",
      { message: "only a message" },
      { name: "Named", message: "with a message" },
      { name: "", code: 42, message: "" },
      { code: 0, name: "Zero" },
      { stack: "only a stack" },
      {},
      null,
      undefined,
    ]);
    const failure = random.once(3) ? new TypeError("broken") : plain;
    span.recordException(failure as Error, random.pick(times) as number);
  }

  #rest(span: Span): void {
    const random = this.#random;
    switch (random.below(4)) {
      case 0:
        span.updateName(`renamed ${random.below(100)}`);
        return;
      case 1:
        span.addLink(this.#link());
        return;
      case 2: {
        const many = random.once(10) ? 130 : 2;
        span.addLinks(Array.from({ length: many }, () => this.#link()));
        return;
      }
      default:
        this.log.push(`${this.#seen(span)} records: ${span.isRecording()}`);
    }
  }

  #observe(): void {
    const active = contextApi.active();
    const span = trace.getActiveSpan();
    const shown = span === undefined ? "none" : `${this.#seen(span)} ${span.isRecording()}`;
    this.log.push(`active ${shown}, value ${String(active.getValue(valueKey))}`);
  }

  /** The number of a span, or its ids if it is of another process, and its flags and state. */
  #seen(span: Span): string {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const number = this.numbers.get(spanId);
    const isOther = remotes.some((remote) => remote.traceId === traceId);
    // The SDK gives a span that is not sampled an id of its own. isotel passes the parent's on.
    const other = traceFlags === 0 ? traceId : `${traceId} ${spanId}`;
    const shown = number ?? (isOther ? other : "invalid");
    return `${shown} ${traceFlags} ${traceState?.serialize() ?? ""}`;
  }
}
