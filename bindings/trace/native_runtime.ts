import { reportOnce } from "../base/report_once.ts";
import { noopRuntime, type SpanRuntime, type SpanWriter, type StatusCode } from "./span_runtime.ts";

/** A span of `cloudflare:workers`. Older runtimes lack the optional methods. */
interface NativeSpan {
  readonly isTraced: boolean;
  setAttribute(key: string, value: unknown): void;
  setStatus?(status: { code: StatusCode; message?: string }): void;
  end?(): void;
}

interface NativeTracing {
  enterSpan?<T>(name: string, body: (span: NativeSpan) => T): T;
  startActiveSpan?<T>(name: string, body: (span: SpanWriter) => T): T;
  startSpan?(name: string): SpanWriter;
  withActiveSpan?<T>(span: SpanWriter, body: () => T): T;
  getActiveSpan?(): SpanWriter | undefined;
}

type Method = keyof NativeTracing;

/**
 * Adapts `tracing` of `cloudflare:workers` to the methods that this version of the runtime has.
 *
 * | The runtime has | Spans | Missing |
 * | --- | --- | --- |
 * | nothing | none | everything is a no-op |
 * | only `enterSpan` | nested, with attributes, ended by the caller | status (is otel.status_code), ids, activation |
 * | `startActiveSpan` | as with `enterSpan` | as with `enterSpan` |
 * | `setStatus`, `spanContext`, `withActiveSpan` | each adds its feature | nothing |
 *
 * Methods are called on `tracing` itself, because a detached method throws.
 */
export function nativeRuntime(tracing: unknown): SpanRuntime {
  const native = tracing as NativeTracing | undefined;
  if (has(native, "startActiveSpan")) return activeSpanRuntime(native);
  if (has(native, "enterSpan")) return enterSpanRuntime(native);
  return noopRuntime;
}

function has<K extends Method>(
  native: NativeTracing | undefined,
  method: K,
): native is NativeTracing & Required<Pick<NativeTracing, K>> {
  return typeof native?.[method] === "function";
}

function activeSpanRuntime(
  native: NativeTracing & Required<Pick<NativeTracing, "startActiveSpan">>,
): SpanRuntime {
  const activates = has(native, "withActiveSpan");
  const knowsActive = has(native, "getActiveSpan");
  const probe = spanMethods(native);
  return {
    capabilities: {
      spans: true,
      status: typeof probe.setStatus === "function",
      activation: activates,
      identity: typeof probe.spanContext === "function",
      activeSpan: knowsActive,
      lists: false,
      byteBudget: true,
    },
    startActiveSpan: (name, body) => native.startActiveSpan(name, body),
    // `startActiveSpan` activates the span only during its callback, so it can replace `startSpan`.
    startSpan: has(native, "startSpan")
      ? (name) => native.startSpan(name)
      : (name) => native.startActiveSpan(name, (writer) => writer),
    withActiveSpan: activates
      ? (writer, body) => native.withActiveSpan(writer, body)
      : (_writer, body) => body(),
    activeSpan: knowsActive ? () => native.getActiveSpan() : () => undefined,
  };
}

/** Returns the methods of a span: its prototype if the runtime exposes it, otherwise a span opened as a probe. */
function spanMethods(
  native: NativeTracing & Required<Pick<NativeTracing, "startActiveSpan">>,
): Partial<SpanWriter> {
  const { prototype } = (native as { Span?: { prototype?: Partial<SpanWriter> } }).Span ?? {};
  if (prototype !== undefined) return prototype;
  try {
    return native.startActiveSpan("isotel.probe", (span) => {
      span.end();
      return span;
    });
  } catch (cause) {
    reportOnce("isotel: a probe span failed; status and ids of spans are not used.", cause);
    return {};
  }
}

function enterSpanRuntime(
  native: NativeTracing & Required<Pick<NativeTracing, "enterSpan">>,
): SpanRuntime {
  const startActiveSpan: SpanRuntime["startActiveSpan"] = (name, body) => {
    let outcome: { readonly value: ReturnType<typeof body> } | undefined;
    // The span lasts until the returned promise settles. This runtime has no other way to end a span.
    void native.enterSpan(name, (span) => {
      let end: () => void = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      outcome = { value: body(enteredSpan(span, end)) };
      return span.isTraced ? ended : undefined;
    });
    return (outcome as { readonly value: ReturnType<typeof body> }).value;
  };
  return {
    capabilities: { ...noopRuntime.capabilities, spans: true, byteBudget: true },
    startActiveSpan,
    startSpan: (name) => startActiveSpan(name, (writer) => writer),
    withActiveSpan: (_writer, body) => body(),
    activeSpan: () => undefined,
  };
}

function enteredSpan(span: NativeSpan, onEnd: () => void): SpanWriter {
  let ended = false;
  return {
    get isTraced() {
      return !ended && span.isTraced;
    },
    setAttribute(key, value) {
      if (!ended) span.setAttribute(key, value);
    },
    end() {
      ended = true;
      onEnd();
    },
  };
}
