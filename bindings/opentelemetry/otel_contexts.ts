import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, type ContextManager, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { SpanWriter } from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { OtelSpan } from "./otel_span.ts";

interface Entered {
  readonly context: Context;
  /** The span of isotel that was active when the context was entered. */
  readonly spanId: string | undefined;
}

/** The part of AsyncLocalStorage that is used. A Worker's project may lack the types of Node. */
interface Store {
  getStore(): Entered | undefined;
  run<T>(entered: Entered, body: () => T): T;
}

/**
 * Keeps the active context across await, timers and streams. The span of a context is isotel's active span too, and a
 * span that isotel has opened inside a context is the span of `active()`.
 */
export class OtelContexts implements ContextManager {
  readonly #telemetry: Telemetry;
  readonly #store: Store = new AsyncLocalStorage<Entered>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  active(): Context {
    const entered = this.#store.getStore();
    const context = entered?.context ?? ROOT_CONTEXT;
    const writer = this.#activeWriter();
    const spanId = writer?.spanContext?.()?.spanId;
    if (writer === undefined || !writer.isTraced || spanId === entered?.spanId) return context;
    return trace.setSpan(context, new OtelSpan(this.#telemetry, writer, false));
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    run: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const span = trace.getSpan(context);
    let isIn = false;
    const body = () => {
      isIn = true;
      const spanId = this.#activeWriter()?.spanContext?.()?.spanId;
      return this.#store.run({ context, spanId }, () => run.apply(thisArg, args));
    };
    if (!(span instanceof OtelSpan)) return body();
    try {
      return this.#telemetry.runtime.withActiveSpan(span.writer, body);
    } catch (cause) {
      if (isIn) throw cause;
      // The native span belongs to another request.
      return body();
    }
  }

  /** Binds a function to a context. Returns any other target unchanged. */
  bind<T>(context: Context, target: T): T {
    if (typeof target !== "function") return target;
    const contexts = this;
    return function (this: unknown, ...args: unknown[]) {
      return contexts.with(
        context,
        target as unknown as () => unknown,
        this as never,
        ...(args as []),
      );
    } as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }

  #activeWriter(): SpanWriter | undefined {
    return this.#telemetry.guard(() => this.#telemetry.runtime.activeSpan());
  }
}
