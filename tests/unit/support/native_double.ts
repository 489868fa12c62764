import { AsyncLocalStorage } from "node:async_hooks";

/** What a version of the Workers runtime has of its tracing API; every version has all of the ones before. */
export const releases = [
  { from: "June", tracing: ["enterSpan"], span: [] },
  {
    from: "mid August",
    tracing: ["startActiveSpan", "startSpan"],
    span: ["setAttributes", "end"],
  },
  { from: "mid September", tracing: ["getActiveSpan"], span: ["recordException"] },
  { from: "1 October", tracing: [], span: ["setStatus", "updateName"] },
  { from: "mid October", tracing: [], span: ["spanContext"] },
  { from: "November", tracing: ["withActiveSpan"], span: [] },
] as const;

const maxSpanBytes = 65_536;
const maxNameBytes = 64;

/** A span as the double has it. */
export interface NativeDoubleSpan {
  readonly id: number;
  readonly parentId: number;
  readonly name: string;
  readonly attributes: Record<string, string | number | boolean>;
  status: string;
  ended: boolean;
  /** An attribute was dropped for the budget, and all after it. */
  isOverBudget: boolean;
  writesAfterEnd: number;
}

export interface NativeDoubleOptions {
  /** Which methods there are; every one unless given. */
  readonly tracing?: readonly string[];
  readonly span?: readonly string[];
}

/**
 * `tracing` of `cloudflare:workers` as far as tests of the binding need it: a method that is called detached throws, a
 * span has a byte budget, a name 64 bytes, values are converted as the runtime does.
 */
export class NativeDouble {
  readonly spans: NativeDoubleSpan[] = [];
  /** Whether spans are traced. They are not where a module is evaluated. */
  isTraced = false;
  readonly tracing: object;
  readonly #active = new AsyncLocalStorage<object>();
  readonly #ids = new WeakMap<object, number>();
  readonly #spanMethods: readonly string[] | undefined;

  constructor({ tracing, span }: NativeDoubleOptions = {}) {
    this.#spanMethods = span;
    this.tracing = this.#makeTracing(tracing);
  }

  /** The double of a release, of everything up to it. */
  static of(from: (typeof releases)[number]["from"]): NativeDouble {
    const upTo = releases.slice(0, releases.findIndex((release) => release.from === from) + 1);
    return new NativeDouble({
      tracing: upTo.flatMap((release) => release.tracing),
      span: upTo.flatMap((release) => release.span),
    });
  }

  #makeTracing(names: readonly string[] | undefined): object {
    const isIt = (self: unknown) => {
      if (self !== tracing) throw new TypeError("Illegal invocation");
    };
    const open = (name: string) => this.#open(name);
    const run = <T>(span: object, body: (span: object) => T) =>
      this.#active.run(span, () => body(span));
    const active = () => this.#active.getStore();
    const end = (span: object) => this.#end(span);
    const tracing = only(names, {
      enterSpan<T>(this: unknown, name: string, body: (span: object) => T): T {
        isIt(this);
        const span = open(name);
        let result: T;
        try {
          result = run(span, body);
        } catch (cause) {
          end(span);
          throw cause;
        }
        if (result instanceof Promise) void result.finally(() => end(span)).catch(() => {});
        else end(span);
        return result;
      },
      startActiveSpan<T>(this: unknown, name: string, body: (span: object) => T): T {
        isIt(this);
        return run(open(name), body);
      },
      startSpan(this: unknown, name: string): object {
        isIt(this);
        return open(name);
      },
      getActiveSpan(this: unknown): object | undefined {
        isIt(this);
        return active();
      },
      withActiveSpan<T>(this: unknown, span: object, body: (span: object) => T): T {
        isIt(this);
        return run(span, body);
      },
    });
    return tracing;
  }

  #open(name: string): object {
    const parent = this.#active.getStore();
    const record: NativeDoubleSpan = {
      id: this.spans.length + 1,
      parentId: (parent === undefined ? undefined : this.#ids.get(parent)) ?? 0,
      name: keptName(name),
      attributes: {},
      status: "unset",
      ended: false,
      isOverBudget: false,
      writesAfterEnd: 0,
    };
    const { isTraced } = this;
    if (isTraced) this.spans.push(record);
    const span = spanOf(record, isTraced, this.#spanMethods);
    this.#ids.set(span, record.id);
    this.#records.set(span, record);
    return span;
  }

  readonly #records = new WeakMap<object, NativeDoubleSpan>();

  #end(span: object): void {
    const record = this.#records.get(span);
    if (record !== undefined) record.ended = true;
  }
}

function spanOf(
  record: NativeDoubleSpan,
  isTraced: boolean,
  names: readonly string[] | undefined,
): object {
  let bytes = 0;
  const isIt = (self: unknown) => {
    if (self !== span) throw new TypeError("Illegal invocation");
  };
  const set = (key: string, value: unknown) => {
    if (record.ended) {
      record.writesAfterEnd += 1;
      return;
    }
    if (value === undefined || record.isOverBudget) return;
    if (typeof value === "bigint" || typeof value === "symbol") throw new TypeError("no such type");
    const kept = typeof value === "number" || typeof value === "boolean" ? value : String(value);
    bytes += byteLength(key) + (typeof kept === "string" ? byteLength(kept) : 8);
    if (bytes > maxSpanBytes) record.isOverBudget = true;
    else record.attributes[key] = kept;
  };
  const methods = only(names, {
    setAttributes(this: unknown, attributes: Record<string, unknown>) {
      isIt(this);
      for (const [key, value] of Object.entries(attributes)) set(key, value);
    },
    end(this: unknown) {
      isIt(this);
      record.ended = true;
    },
    recordException(this: unknown) {
      isIt(this);
    },
    setStatus(this: unknown, { code }: { code: string }) {
      isIt(this);
      if (!record.ended) record.status = code;
    },
    updateName(this: unknown) {
      isIt(this);
    },
    spanContext(this: unknown) {
      isIt(this);
      return {
        traceId: "a".repeat(32),
        spanId: String(record.id).padStart(16, "0"),
        traceFlags: 1,
      };
    },
  });
  const span = Object.create(methods, {
    isTraced: { get: () => isTraced && !record.ended },
    setAttribute: {
      value(this: unknown, key: string, value: unknown) {
        isIt(this);
        set(key, value);
      },
    },
  }) as object;
  return span;
}

function only(names: readonly string[] | undefined, methods: object): object {
  return Object.fromEntries(
    Object.entries(methods).filter(([name]) => names === undefined || names.includes(name)),
  );
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function keptName(name: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(name).subarray(0, maxNameBytes));
}
