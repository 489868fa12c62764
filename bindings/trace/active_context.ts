import type { SpanContext, SpanWriter } from "./span_runtime.ts";

const traceId = /^(?!0+$)[0-9a-f]{32}$/;
const spanId = /^(?!0+$)[0-9a-f]{16}$/;

/** Ids that may be told to others; undefined for those of a span that nobody records. */
export function validContext(context: SpanContext | undefined): SpanContext | undefined {
  if (context === undefined) return undefined;
  return traceId.test(context.traceId) && spanId.test(context.spanId) ? context : undefined;
}

/** Ids of the active span of `tracing` of `cloudflare:workers`, where it is recorded and the runtime tells them. */
export function activeSpanContext(tracing: unknown): SpanContext | undefined {
  try {
    const native = tracing as { getActiveSpan?(): SpanWriter | undefined } | undefined;
    const span = native?.getActiveSpan?.();
    return span?.isTraced === true ? validContext(span.spanContext?.()) : undefined;
  } catch {
    // A span of another request.
    return undefined;
  }
}
