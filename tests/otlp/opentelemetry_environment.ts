// What OpenTelemetry's SDK for JavaScript reads from standard variables.
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import {
  defaultResource,
  detectResources,
  envDetector,
  processDetector,
} from "@opentelemetry/resources";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";

export type Variables = Readonly<Record<string, string>>;

function withVariables<T>(variables: Variables, body: () => T): T {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return body();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

/** Decides about a trace by OTEL_TRACES_SAMPLER, and by a remote parent's flags where there is one. */
export function samplerOf(
  variables: Variables,
): (traceId: string, parentFlags?: number) => boolean {
  let next = "";
  const idGenerator = { generateTraceId: () => next, generateSpanId: () => "b7ad6b7169203331" };
  const provider = withVariables(variables, () => new BasicTracerProvider({ idGenerator }));
  return (traceId, parentFlags) => {
    next = traceId;
    const parent = { traceId, spanId: "00f067aa0ba902b7", isRemote: true };
    const context =
      parentFlags === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: parentFlags });
    return provider.getTracer("test").startSpan("span", {}, context).isRecording();
  };
}

/** The attributes of the SDK and of the runtime, without those of the process and the machine. */
export function runtimeAttributes(): Readonly<Record<string, unknown>> {
  const { attributes } = defaultResource().merge(detectResources({ detectors: [processDetector] }));
  const keys = /^process\.runtime\.|^telemetry\.sdk\.language$/;
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => keys.test(key)));
}

/** The attributes of OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. */
export function resourceOf(variables: Variables): Readonly<Record<string, unknown>> {
  return withVariables(variables, () => {
    const { attributes } = detectResources({ detectors: [envDetector] });
    return { ...attributes };
  });
}
