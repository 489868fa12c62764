import type { SpanContext } from "../trace/span_runtime.ts";

/** The span a value belongs to: its identifiers, or a span that knows them. */
export type ExemplarSource =
  | { readonly traceId: string; readonly spanId: string }
  | { spanContext(): SpanContext | undefined };

const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/i;
const spanIdPattern = /^(?!0{16})[0-9a-f]{16}$/i;

/** The identifiers of a span; undefined where it has none. Whatever it is, this does not throw. */
export function identityOf(
  source: unknown,
): { readonly traceId: string; readonly spanId: string } | undefined {
  try {
    const { spanContext } = source as { spanContext?: unknown };
    const identity = typeof spanContext === "function" ? spanContext.call(source) : source;
    const { traceId, spanId } = identity as { traceId: unknown; spanId: unknown };
    if (typeof traceId !== "string" || typeof spanId !== "string") return undefined;
    if (!traceIdPattern.test(traceId) || !spanIdPattern.test(spanId)) return undefined;
    return { traceId, spanId };
  } catch {
    return undefined;
  }
}
