import { reportOnce } from "../base/report_once.ts";
import { isThenable } from "../base/values.ts";
import { Operation, Profile } from "../core/abi.gen.ts";
import { currentScope } from "./invocation_scope.ts";
import { Span, type SpanOptions, type TracerSpan, untracedSpan } from "./span.ts";
import {
  type Attributes,
  noopWriter,
  type RemoteParent,
  type SpanRuntime,
  type SpanWriter,
} from "./span_runtime.ts";
import type { Telemetry } from "./telemetry.ts";

/** Limits how long a span may last. */
export interface SpanLifetime {
  /** Whether to truncate the span when the body of its invocation scope settles. Default: false. */
  readonly boundToInvocation?: boolean;
}

const custom: SpanOptions = {
  operation: Operation.custom,
  profile: Profile.agents,
  bounded: false,
};
const customBounded: SpanOptions = { ...custom, bounded: true };

/** Opens spans. */
export class Tracer {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /**
   * Runs `run` inside an active span. The span ends when `run` returns, or when the promise it returns settles. If
   * `run` throws or rejects, the span fails and the caller gets the same error.
   *
   * @param name the name of the span. Cut to 64 bytes of UTF-8.
   * @returns the result of `run`.
   */
  withSpan<T>(
    name: string,
    attributes: Attributes,
    run: (span: TracerSpan) => T,
    lifetime?: SpanLifetime,
  ): T {
    const telemetry = this.#telemetry;
    return startActive(telemetry, customName(telemetry, name), (writer) => {
      const span = openCustom(telemetry, writer, lifetime);
      if (span === undefined) return run(untracedSpan);
      span.setAttributes(attributes);
      const result = runOrFail(span, run);
      if (!isThenable(result)) {
        span.finish();
        return result;
      }
      if (span.scope?.ended === true && span.bounded) span.truncate();
      return Promise.resolve(result).then(
        (value) => {
          span.finish();
          return value;
        },
        (cause: unknown) => {
          span.fail(cause);
          throw cause;
        },
      ) as T;
    });
  }

  /**
   * Opens a span and runs `activate` with it active. The span stays open until `finish` or `fail` is called. If
   * `activate` throws, the span fails and the caller gets the same error.
   *
   * @param name the name of the span. Cut to 64 bytes of UTF-8.
   * @returns the result of `activate`.
   */
  openSpan<T>(
    name: string,
    attributes: Attributes,
    activate: (span: TracerSpan) => T,
    lifetime?: SpanLifetime,
  ): T {
    const telemetry = this.#telemetry;
    return startActive(telemetry, customName(telemetry, name), (writer) => {
      const span = openCustom(telemetry, writer, lifetime);
      if (span === undefined) return activate(untracedSpan);
      span.setAttributes(attributes);
      const result = runOrFail(span, activate);
      if (span.scope?.ended === true && span.bounded) span.truncate();
      return result;
    });
  }

  /**
   * Writes the context of the active span as the W3C headers `traceparent` and `tracestate`. Writes nothing if no span
   * is active or the runtime does not expose its ids. Never throws.
   *
   * @param carrier headers, or an object that travels in a message.
   * @returns `carrier`.
   */
  inject<C extends Carrier>(carrier: C): C {
    const telemetry = this.#telemetry;
    telemetry.guard(() => {
      for (const [name, value] of Object.entries(contextHeaders(telemetry.runtime))) {
        if (carrier instanceof Headers) carrier.set(name, value);
        else carrier[name] = value;
      }
    });
    return carrier;
  }

  /**
   * Runs `body` in the trace that the headers `traceparent` and `tracestate` of a carrier describe. Only runs `body`
   * if they are missing or invalid, or if no export is set up: the Workers runtime cannot continue a trace. A carrier
   * that cannot be read, such as `null`, is reported once.
   *
   * @returns the result of `body`.
   */
  extract<T>(carrier: Carrier, body: () => T): T {
    const telemetry = this.#telemetry;
    const { runtime } = telemetry;
    if (runtime.runUnder === undefined) return body();
    return runtime.runUnder(
      (name) =>
        telemetry.guard(() => (carrier instanceof Headers ? carrier.get(name) : carrier[name])),
      body,
    );
  }

  /** Returns counts of what was opened, dropped, cut, refused, swallowed and trapped in this isolate, by name. */
  diagnostics(): Readonly<Record<string, number>> {
    return this.#telemetry.diagnostics();
  }
}

/** Carries trace context: headers, or an object with their names as keys. */
export type Carrier = Headers | Record<string, string>;

/** The W3C headers `traceparent` and `tracestate`, by name. */
export type ContextHeaders = Readonly<Record<string, string>>;

/** Whether there is no context to send. */
export function isEmpty({ traceparent }: ContextHeaders): boolean {
  return traceparent === undefined;
}

/** Returns the W3C headers of the active span. Empty if there is none. */
export function contextHeaders(runtime: SpanRuntime): ContextHeaders {
  const parent: RemoteParent | undefined =
    runtime.currentParent === undefined ? nativeParent(runtime) : runtime.currentParent();
  if (parent === undefined || /^0*$/.test(parent.spanId)) return {};
  const { traceId, spanId, traceFlags, traceState = "" } = parent;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  const traceparent = `00-${traceId}-${spanId}-${flags}`;
  return traceState === "" ? { traceparent } : { traceparent, tracestate: traceState };
}

/** Returns the active span. One that is recorded is sampled, whatever flags an older runtime reports. */
function nativeParent(runtime: SpanRuntime): RemoteParent | undefined {
  const active = runtime.activeSpan();
  const context = active?.spanContext?.();
  if (context === undefined || active?.isTraced !== true) return context;
  return { ...context, traceFlags: context.traceFlags | 1 };
}

/** Adds context to the headers of a request, unless it has a `traceparent` of its own. Returns whether it did. */
export function addContext(headers: Headers, context: ContextHeaders): boolean {
  if (headers.has("traceparent")) return false;
  for (const [name, value] of Object.entries(context)) headers.set(name, value);
  return true;
}

/**
 * Opens a span and runs `body` with it active. Passes undefined if neither a trace nor metrics record the span. The
 * caller must end the span.
 */
export function activateSpan<T>(
  telemetry: Telemetry,
  name: string,
  options: SpanOptions,
  body: (span: Span | undefined) => T,
): T {
  return startActive(telemetry, name, (writer) => body(openOn(telemetry, writer, options)));
}

/**
 * Runs `body` in an active span of the runtime, or without a span if the runtime fails to open it. `body` must call
 * {@link openOn} first.
 */
function startActive<T>(telemetry: Telemetry, name: string, body: (writer: SpanWriter) => T): T {
  // Without a core nothing is recorded, and an empty span must not show up in the trace.
  if (telemetry.host.core === undefined) return body(noopWriter);
  const before = telemetry.bodiesEntered;
  try {
    return telemetry.runtime.startActiveSpan(name, body);
  } catch (cause) {
    if (telemetry.bodiesEntered !== before) throw cause;
    telemetry.countSwallowed(cause);
    return body(noopWriter);
  }
}

/**
 * Runs `body` so that the next span in it begins a trace. Logs once and only runs `body` if the runtime cannot begin
 * one.
 */
export function runDetached<T>(telemetry: Telemetry, body: () => T): T {
  const { runtime } = telemetry;
  if (runtime.runDetached !== undefined) return runtime.runDetached(body);
  if (runtime.capabilities.spans) {
    reportOnce(
      "isotel: detached calls stay in the trace of their caller, because the Workers runtime has no way to begin a " +
        "trace. Export spans over OTLP to separate them.",
    );
  }
  return body();
}

/** Opens a span without activating it. Returns undefined if nothing records it. The caller must end the span. */
export function startSpan(
  telemetry: Telemetry,
  name: string,
  options: SpanOptions,
): Span | undefined {
  return openOn(telemetry, telemetry.runtime.startSpan(name), options);
}

function openOn(telemetry: Telemetry, writer: SpanWriter, options: SpanOptions): Span | undefined {
  telemetry.bodiesEntered += 1;
  const { isTraced } = writer;
  if (!isTraced && !telemetry.measures(options.operation)) return undefined;
  const span = Span.open(telemetry, writer, !isTraced, options, currentScope());
  if (span === undefined) writer.end();
  return span;
}

function openCustom(
  telemetry: Telemetry,
  writer: SpanWriter,
  lifetime: SpanLifetime | undefined,
): Span | undefined {
  const bounded = lifetime?.boundToInvocation === true;
  return openOn(telemetry, writer, bounded ? customBounded : custom);
}

function customName(telemetry: Telemetry, name: unknown): string {
  if (typeof name !== "string") return "unnamed";
  const { core } = telemetry.host;
  return core === undefined ? name : telemetry.names.custom(core, name);
}

function runOrFail<T>(span: Span, run: (span: TracerSpan) => T): T {
  try {
    return run(span);
  } catch (cause) {
    span.fail(cause);
    throw cause;
  }
}
