import { isThenable } from "../base/values.ts";
import { Operation, Profile } from "../core/abi.gen.ts";
import { currentScope } from "./invocation_scope.ts";
import { Span, type SpanOptions, type TracerSpan, untracedSpan } from "./span.ts";
import { type Attributes, noopWriter, type SpanWriter } from "./span_runtime.ts";
import type { Telemetry } from "./telemetry.ts";

/** How long a span may last. */
export interface SpanLifetime {
  /** End the span, marked as truncated, when the body of its invocation scope settles. */
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
   * Runs `run` inside a span that ends when it returns, or when the promise it returns settles. A throw or a
   * rejection fails the span and goes on to the caller unchanged.
   *
   * @param name the span's name, cut to 64 UTF-8 bytes for the Workers runtime.
   * @returns what `run` returns.
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
   * Opens a span and runs `activate` with it active. The span stays open until its `finish` or `fail` is called; a
   * throw from `activate` fails it.
   *
   * @returns what `activate` returns.
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

  /** Counts of what this isolate recorded, dropped, cut and survived, by name. */
  diagnostics(): Readonly<Record<string, number>> {
    return this.#telemetry.diagnostics();
  }
}

/**
 * Opens a span and runs `body` with it active; with undefined where nothing records it, neither a trace nor metrics.
 * The caller ends it.
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
 * Runs `body`, which must call {@link openOn} first, in a span of the runtime's, or without one where the runtime fails
 * to open it.
 */
function startActive<T>(telemetry: Telemetry, name: string, body: (writer: SpanWriter) => T): T {
  // Nothing would be recorded: no span to be seen empty either.
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

/** Opens a span without making it active; undefined where nothing records it. The caller ends it. */
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
