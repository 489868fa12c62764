import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, type ContextManager, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { SpanWriter } from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { OtelSpan } from "./otel_span.ts";

interface Entered {
  readonly context: Context;
  /** The span of isotel that was active when the context was entered. */
  readonly writer: SpanWriter | undefined;
}

/** The part of AsyncLocalStorage that is used. A Worker's project may lack the types of Node. */
interface Store {
  getStore(): Entered | undefined;
  run<A extends unknown[], T>(entered: Entered, body: (...args: A) => T, ...args: A): T;
}

/**
 * Keeps the active context across await, timers and streams. The span of a context is isotel's active span too, and a
 * span that isotel has opened inside a context is the span of `active()`.
 */
export class OtelContexts implements ContextManager {
  readonly #telemetry: Telemetry;
  readonly #store: Store = new AsyncLocalStorage<Entered>();
  /** Spans of isotel's own code, as the API sees them. */
  readonly #spans = new WeakMap<SpanWriter, OtelSpan>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  active(): Context {
    const entered = this.#store.getStore();
    const context = entered?.context ?? ROOT_CONTEXT;
    const writer = this.#activeWriter();
    if (writer === undefined || isSame(writer, entered?.writer) || !writer.isTraced) return context;
    let span = this.#spans.get(writer);
    if (span === undefined) {
      span = new OtelSpan(this.#telemetry, writer, false);
      this.#spans.set(writer, span);
    }
    return trace.setSpan(context, span);
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    run: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const span = trace.getSpan(context);
    const { runtime } = this.#telemetry;
    if (!(span instanceof OtelSpan)) {
      return this.#run({ context, writer: this.#activeWriter() }, run, thisArg, args);
    }
    const { writer } = span;
    let isIn = false;
    try {
      return runtime.withActiveSpan(writer, () => {
        isIn = true;
        // Without activation, the active span stays as it is.
        const active = runtime.capabilities.activation ? writer : this.#activeWriter();
        return this.#run({ context, writer: active }, run, thisArg, args);
      });
    } catch (cause) {
      if (isIn) throw cause;
      // The native span belongs to another request.
      return this.#run({ context, writer: this.#activeWriter() }, run, thisArg, args);
    }
  }

  #run<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    entered: Entered,
    run: F,
    thisArg: ThisParameterType<F> | undefined,
    args: A,
  ): ReturnType<F> {
    const body = thisArg === undefined || thisArg === null ? run : (run.bind(thisArg) as F);
    return this.#store.run(entered, body, ...args) as ReturnType<F>;
  }

  /** Binds a function to a context. Returns any other target unchanged. */
  bind<T>(context: Context, target: T): T {
    if (typeof target !== "function") return target;
    const contexts = this;
    const bound = function (this: unknown, ...args: unknown[]) {
      return contexts.with(
        context,
        target as unknown as () => unknown,
        this as never,
        ...(args as []),
      );
    };
    // Frameworks tell middleware from error handlers by the number of their parameters.
    Object.defineProperty(bound, "length", { value: target.length, configurable: true });
    return bound as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }

  #activeWriter(): SpanWriter | undefined {
    try {
      return this.#telemetry.runtime.activeSpan();
    } catch (cause) {
      this.#telemetry.countSwallowed(cause);
      return undefined;
    }
  }
}

/** Whether two objects are the same span. A runtime may make a new object for each call. */
function isSame(a: SpanWriter, b: SpanWriter | undefined): boolean {
  if (a === b) return true;
  const id = b?.spanContext?.()?.spanId;
  return id !== undefined && id === a.spanContext?.()?.spanId;
}
