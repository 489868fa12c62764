import {
  type DetachedSpanOptions,
  type ForeignLog,
  noopWriter,
  openUnder,
  type RemoteParent,
  type RuntimeCapabilities,
  type SpanLog,
  type SpanRuntime,
  type SpanWriter,
  setNativeScope,
} from "../../trace/span_runtime.ts";
import { newSpanId, newTraceId } from "../core/ids.ts";
import { isSampled, type LogRecord, type ParentSpan, sampledFlag } from "../core/model.ts";
import { remoteParent } from "../core/propagation.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { SpanGroup } from "../pipeline/span_group.ts";
import { CapturedSpan, type SpanIdentity } from "./captured_span.ts";
import { type ActiveContext, activeContext } from "./context.ts";
import { type LogInput, logRecord } from "./log_record.ts";
import { NativeWriter, UnrecordedSpan } from "./native_spans.ts";
import { runIn } from "./run_in.ts";

/**
 * A span runtime that keeps the spans of the native runtime for OTLP as well. A span has the ids of the native span
 * if the native runtime reports them, so that both trees are one.
 *
 * A span that is not recorded for OTLP exists in the native runtime only. If the native runtime does not record it
 * either, it costs no more than without an export.
 */
export class CompositeRuntime implements SpanRuntime {
  readonly native: SpanRuntime;
  readonly capabilities: RuntimeCapabilities;
  /** Receives spans that begin outside of an invocation with an export. */
  pipeline: Pipeline | undefined;

  constructor(native: SpanRuntime) {
    this.native = native;
    this.capabilities = {
      spans: true,
      status: true,
      activation: true,
      identity: true,
      activeSpan: true,
      lists: true,
      byteBudget: native.capabilities.byteBudget,
    };
  }

  startActiveSpan<T>(name: string, body: (writer: SpanWriter) => T): T {
    const { native } = this;
    const context = activeContext.getStore();
    const pipeline = context?.group.pipeline ?? this.pipeline;
    if (pipeline === undefined || !isWanted(context)) {
      return native.startActiveSpan(name, (writer) => body(this.#above(writer)));
    }
    const outer = context?.parent === undefined ? this.nativeParent() : undefined;
    return native.startActiveSpan(name, (writer) => {
      const opened = this.#open(name, writer, pipeline, context, outer);
      if (opened === undefined) return body(this.#above(writer));
      const span = opened instanceof CapturedSpan ? opened : this.#above(writer);
      return activeContext.run(opened, () => body(span));
    });
  }

  startSpan(name: string): SpanWriter {
    const context = activeContext.getStore();
    const pipeline = context?.group.pipeline ?? this.pipeline;
    const writer = this.native.startSpan(name);
    if (pipeline === undefined || !isWanted(context)) return this.#above(writer);
    const outer = context?.parent === undefined ? this.nativeParent() : undefined;
    const opened = this.#open(name, writer, pipeline, context, outer);
    return opened instanceof CapturedSpan ? opened : this.#above(writer);
  }

  startDetachedSpan(name: string, options: DetachedSpanOptions): SpanWriter {
    const { parent, remoteParent: remote } = options;
    const active = activeContext.getStore();
    const isPlaced = parent instanceof CapturedSpan || parent instanceof UnrecordedSpan;
    const pipeline = (isPlaced ? parent.group.pipeline : active?.group.pipeline) ?? this.pipeline;
    const isGiven = options.parents === "given";
    const isRoot = isGiven && parent === undefined && remote === undefined;
    const outer = parent === undefined ? this.nativeParent() : identityOf(parent);
    const writer = openUnder(this.native, name, beneath(parent));
    if (pipeline === undefined) {
      if (options.scope && writer.isTraced) setNativeScope(writer, options.scope);
      return this.#above(writer);
    }
    const context = isPlaced
      ? parent
      : isRoot
        ? newTrace(active, pipeline)
        : rootContext(isGiven && remote ? withoutParent(active) : active, remote, pipeline);
    if (context !== undefined && !isWanted(context)) {
      return this.#unrecorded(writer, context, options);
    }
    const above = outer && { traceState: "", isRemote: false, ...outer };
    const opened = this.#open(name, writer, pipeline, context, above, options);
    if (opened === undefined) return this.#above(writer);
    if (!(opened instanceof CapturedSpan)) return this.#unrecorded(writer, opened, options);
    if (context !== undefined && context !== active && !isPlaced) context.group.first ??= opened;
    return opened;
  }

  /**
   * The new trace exists in OTLP only. A native span stays a child of the active native span, because the native
   * runtime cannot begin a trace.
   */
  runDetached<T>(body: () => T): T {
    const context = activeContext.getStore();
    const pipeline = context?.group.pipeline ?? this.pipeline;
    if (pipeline === undefined) return body();
    const group = context?.group ?? new SpanGroup(pipeline, undefined);
    const from = context?.parent ?? this.nativeParent();
    const detached = { from, endsGroup: context === undefined };
    return activeContext.run({ group, parent: undefined, detached }, body);
  }

  withActiveSpan<T>(writer: SpanWriter, body: () => T): T {
    const { native } = this;
    if (writer instanceof UnrecordedSpan) {
      const inner = () => activeContext.run(writer, body);
      return writer.isTraced ? native.withActiveSpan(writer.original, inner) : inner();
    }
    if (writer instanceof CapturedSpan) {
      const inner = () => activeContext.run(writer, body);
      return writer.native === undefined
        ? inner()
        : native.withActiveSpan(originalOf(writer.native), inner);
    }
    return native.withActiveSpan(originalOf(writer), body);
  }

  activeSpan(): SpanWriter | undefined {
    const context = activeContext.getStore();
    if (context instanceof CapturedSpan) return context;
    const pipeline = context?.group.pipeline ?? this.pipeline;
    // The next span begins a new trace in OTLP, even if a native span is active.
    if (pipeline?.takesSpans === true && context?.parent === undefined) return undefined;
    const active = this.native.activeSpan();
    return active === undefined && !isWanted(context) ? unrecordedSpan : active;
  }

  currentParent(): RemoteParent | undefined {
    const parent = this.parentOfNext();
    if (parent === undefined) return undefined;
    const { traceId, spanId, flags: traceFlags, traceState } = parent;
    return { traceId, spanId, traceFlags, traceState };
  }

  /** Returns the parent of the next span. */
  parentOfNext(): ParentSpan | undefined {
    return activeContext.getStore()?.parent ?? this.nativeParent();
  }

  /** Sends a log record. Never throws. Does nothing without an export. */
  emitLog(input: LogInput | SpanLog): void {
    this.addLog((parent, { clock, keptParameters }) =>
      logRecord(input as LogInput, clock(), parent, keptParameters),
    );
  }

  emitRecord(log: ForeignLog): void {
    const { severityNumber, severityText, droppedAttributesCount, scope } = log;
    const { traceId = "", spanId = "", traceFlags: flags = 0 } = log.parent ?? {};
    const identity = { traceId, spanId, flags };
    this.addLog((_parent, { clock, keptParameters }) => ({
      ...logRecord(log, log.observedUnixMs ?? clock(), undefined, keptParameters),
      ...identity,
      severityNumber,
      severityText,
      droppedAttributesCount,
      scope,
    }));
  }

  /** Sends the log record that `make` returns for the active span. Never throws. Does nothing without an export. */
  addLog(make: (parent: ParentSpan | undefined, pipeline: Pipeline) => LogRecord): void {
    const context = activeContext.getStore();
    const pipeline = context?.group.pipeline ?? this.pipeline;
    if (pipeline === undefined) return;
    try {
      pipeline.addLog(make(this.parentOfNext(), pipeline));
      if (context === undefined) pipeline.hold(pipeline.flushSoon(), undefined);
      else context.group.logged();
    } catch (cause) {
      pipeline.countFailure(cause);
    }
  }

  runUnder<T>(
    header: (name: string) => string | null | undefined,
    body: () => T,
    use?: "continue" | "link",
  ): T {
    const context = activeContext.getStore();
    const pipeline = context?.group.pipeline ?? this.pipeline;
    const given = pipeline && remoteParent(header);
    if (pipeline === undefined || given === undefined) return body();
    const isRecorded = pipeline.samples(given.traceId, given.flags);
    const remote = { ...given, flags: isRecorded ? sampledFlag : 0 };
    const active = use === undefined ? undefined : this.parentOfNext();
    const isOver = context instanceof CapturedSpan && context.hasEnded;
    const isLinked = active !== undefined && !isOver && active.traceId !== given.traceId;
    const [parent, link] =
      use === "link" ? [context?.parent, given] : [remote, isLinked ? active : undefined];
    return context === undefined
      ? runIn({ group: new SpanGroup(pipeline, undefined), parent, link }, body)
      : activeContext.run({ group: context.group, parent, link }, body);
  }

  /** Returns the active native span if it is recorded. */
  nativeParent(): ParentSpan | undefined {
    const { native } = this;
    if (!native.capabilities.identity || !native.capabilities.activeSpan) return undefined;
    try {
      const active = native.activeSpan();
      const identity = active && identityOf(active);
      return identity && { ...identity, traceState: "", isRemote: false };
    } catch {
      return undefined;
    }
  }

  /**
   * Opens a span for OTLP. Returns the context of an unsampled trace if the trace is not recorded. Returns undefined if
   * no span can be opened. Never throws.
   */
  #open(
    name: string,
    writer: SpanWriter,
    pipeline: Pipeline,
    context: ActiveContext | undefined,
    outer: ParentSpan | undefined,
    options?: DetachedSpanOptions,
  ): CapturedSpan | ActiveContext | undefined {
    try {
      if (!pipeline.takesSpans || !hasEntropy()) return undefined;
      const isNative = writer.isTraced;
      const { detached } = context ?? {};
      const own = isNative && detached === undefined ? identityOf(writer) : undefined;
      const parent = context?.parent ?? (own && outer?.traceId === own.traceId ? outer : undefined);
      const identity = childIdentity(parent, own);
      const group = context?.group ?? new SpanGroup(pipeline, undefined);
      if (context?.parent === undefined && !pipeline.samples(identity.traceId)) {
        const unsampled = { ...identity, flags: identity.flags & ~sampledFlag };
        return { group, parent: { ...unsampled, traceState: "", isRemote: false } };
      }
      const native = isNative ? this.#above(writer) : undefined;
      const span = new CapturedSpan(name, identity, parent, group, {
        native,
        startUnixMs: options?.startUnixMs,
        kind: options?.kind,
        links: linkedBy(context) ?? linksOf(options),
        scope: options?.scope,
      });
      if (context === undefined || detached?.endsGroup === true) group.first = span;
      return span;
    } catch (cause) {
      // The module that makes ids is not available.
      pipeline.countFailure(cause);
      return undefined;
    }
  }

  #unrecorded(
    writer: SpanWriter,
    context: ActiveContext,
    { scope }: DetachedSpanOptions,
  ): UnrecordedSpan {
    if (scope && writer.isTraced) setNativeScope(writer, scope);
    return new UnrecordedSpan(writer, this.native, context);
  }

  /** Wraps a span of the native runtime that OTLP does not record. */
  #above(writer: SpanWriter): SpanWriter {
    return writer.isTraced ? new NativeWriter(writer, this.native) : writer;
  }
}

/** The active span while a trace is not recorded. */
const unrecordedSpan: SpanWriter = {
  ...noopWriter,
  spanContext: () => ({ traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 }),
};

/** Returns whether the active trace is recorded, or whether a new one may begin. */
function isWanted(context: ActiveContext | undefined): boolean {
  return context?.parent === undefined || isSampled(context.parent);
}

function originalOf(writer: SpanWriter): SpanWriter {
  return writer instanceof NativeWriter ? writer.original : writer;
}

/** Returns the ids of a recorded native span. Returns undefined if the runtime does not report them. */
function identityOf(writer: SpanWriter): SpanIdentity | undefined {
  if (!writer.isTraced) return undefined;
  const context = writer.spanContext?.();
  if (context === undefined || /^0*$/.test(context.traceId) || /^0*$/.test(context.spanId)) {
    return undefined;
  }
  return { traceId: context.traceId, spanId: context.spanId, flags: sampledFlag };
}

function linksOf(options: DetachedSpanOptions | undefined): readonly CapturedSpan[] | undefined {
  return options?.links.filter((writer) => writer instanceof CapturedSpan);
}

/** Returns the native ids. Returns new ids if the native span belongs to another trace than the parent. */
function childIdentity(
  parent: ParentSpan | undefined,
  own: SpanIdentity | undefined,
): SpanIdentity {
  if (own !== undefined && (parent === undefined || parent.traceId === own.traceId)) return own;
  return {
    traceId: parent?.traceId ?? newTraceId(),
    spanId: newSpanId(),
    flags: sampledFlag,
  };
}

/** Returns the link that a context gives to the next span. */
function linkedBy(context: ActiveContext | undefined): readonly ParentSpan[] | undefined {
  const link = context?.detached?.from ?? context?.link;
  return link && [link];
}

/** Returns the native span that native children are opened under. */
function beneath(parent: SpanWriter | undefined): SpanWriter | undefined {
  if (parent instanceof CapturedSpan) return parent.native && originalOf(parent.native);
  return parent && originalOf(parent);
}

/**
 * Returns the context of a span without a local parent. A remote parent takes precedence over the active context,
 * except when both belong to one trace: the active span is then the nearer ancestor.
 */
function rootContext(
  active: ActiveContext | undefined,
  remote: RemoteParent | undefined,
  pipeline: Pipeline,
): ActiveContext | undefined {
  if (remote === undefined || remote.traceId === active?.parent?.traceId) return active;
  const { traceId, spanId, traceFlags: flags, traceState = "" } = remote;
  const group = active?.group ?? new SpanGroup(pipeline, undefined);
  return { group, parent: { traceId, spanId, flags, traceState, isRemote: true } };
}

/** Returns the context of a span that begins a trace, without a link to the active span. */
function newTrace(active: ActiveContext | undefined, pipeline: Pipeline): ActiveContext {
  const group = active?.group ?? new SpanGroup(pipeline, undefined);
  return { group, parent: undefined, detached: { from: undefined, endsGroup: false } };
}

function withoutParent(active: ActiveContext | undefined): ActiveContext | undefined {
  return active && { group: active.group, parent: undefined };
}

let isThere = false;

/** Returns whether ids can be made. Workers have no entropy while they load modules. */
function hasEntropy(): boolean {
  if (isThere) return true;
  try {
    crypto.getRandomValues(new Uint8Array(1));
    isThere = true;
  } catch {
    // Entropy becomes available with the first request.
  }
  return isThere;
}
