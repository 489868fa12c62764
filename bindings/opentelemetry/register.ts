import { context, trace } from "@opentelemetry/api";
import { reportOnce } from "../base/report_once.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { OtelContexts } from "./otel_contexts.ts";
import { OtelTracerProvider } from "./otel_tracer.ts";

/** What {@link registerOpenTelemetry} has registered. */
export interface OpenTelemetryRegistration {
  /** Whether spans of the API are spans of isotel. False if another provider was there first. */
  readonly traces: boolean;
  /** Whether isotel keeps the active context. False if another context manager was there first. */
  readonly contexts: boolean;
  /** Removes what was registered. Spans that are open stay usable. */
  unregister(): void;
}

/** Like `registerOpenTelemetry`, for given telemetry. */
export function registerOver(telemetry: Telemetry): OpenTelemetryRegistration {
  const api = (globalThis as Record<symbol, unknown>)[Symbol.for("opentelemetry.js.api.1")] as
    | { readonly trace?: unknown; readonly context?: unknown }
    | undefined;
  // Checked first, because the API logs an error for a second registration.
  const traces =
    api?.trace === undefined && trace.setGlobalTracerProvider(new OtelTracerProvider(telemetry));
  const contexts =
    traces &&
    api?.context === undefined &&
    context.setGlobalContextManager(new OtelContexts(telemetry));
  if (!traces || !contexts) {
    reportOnce(
      `isotel: the OpenTelemetry API has another ${traces ? "context manager" : "tracer provider"}, ` +
        "which stays. Call registerOpenTelemetry() before it, or remove its registration.",
    );
  }
  let isRegistered = true;
  return {
    traces,
    contexts,
    unregister() {
      if (!isRegistered) return;
      isRegistered = false;
      if (traces) trace.disable();
      if (contexts) context.disable();
    },
  };
}
