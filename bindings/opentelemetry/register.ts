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

/** The global registrations of the API. Undefined before the first one. */
function registry(): { readonly trace?: unknown; readonly context?: unknown } | undefined {
  return (globalThis as Record<symbol, unknown>)[
    Symbol.for("opentelemetry.js.api.1")
  ] as ReturnType<typeof registry>;
}

/** Like `registerOpenTelemetry`, for given telemetry. */
export function registerOver(telemetry: Telemetry): OpenTelemetryRegistration {
  const before = registry();
  // Checked first, because the API logs an error for a second registration.
  const traces =
    before?.trace === undefined && trace.setGlobalTracerProvider(new OtelTracerProvider(telemetry));
  const contexts =
    traces &&
    before?.context === undefined &&
    context.setGlobalContextManager(new OtelContexts(telemetry));
  if (!traces || !contexts) {
    reportOnce(
      `isotel: the OpenTelemetry API has another ${traces ? "context manager" : "tracer provider"}, ` +
        "which stays. Call registerOpenTelemetry() before it, or remove its registration.",
    );
  }
  const own = { ...registry() };
  return {
    traces,
    contexts,
    unregister() {
      // Another provider may have been registered since.
      const now = registry();
      if (traces && now?.trace === own.trace) trace.disable();
      if (contexts && now?.context === own.context) context.disable();
    },
  };
}
