// OpenTelemetry's own propagators and sampler.
import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { TraceParent } from "../../bindings/otlp/core/propagation.ts";

type Carrier = Record<string, string>;

const getter = {
  keys: (carrier: Carrier) => Object.keys(carrier),
  get: (carrier: Carrier, key: string) => carrier[key],
};

export function parseTraceParent(traceparent: string): TraceParent | undefined {
  const read = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, { traceparent }, getter);
  const found = trace.getSpanContext(read);
  return found && { traceId: found.traceId, spanId: found.spanId, flags: found.traceFlags };
}

/** Decides about a trace, and a parent's flags where there is one. */
export function sampler(ratio: number): (traceId: string, parentFlags?: number) => boolean {
  const root = new TraceIdRatioBasedSampler(ratio);
  const parentBased = new ParentBasedSampler({ root });
  return (traceId, parentFlags) => {
    const parent =
      parentFlags === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId,
            spanId: "b7ad6b7169203331",
            traceFlags: parentFlags,
          });
    const { decision } = parentBased.shouldSample(parent, traceId, "", SpanKind.INTERNAL, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
}
