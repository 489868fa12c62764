import { type Context, createContextKey } from "@opentelemetry/api";

/** The key of OpenTelemetry's SDK. Exporters and other code set it around work that must not be traced. */
const key = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** Whether a context suppresses tracing. */
export function isSuppressed(context: Context): boolean {
  return context.getValue(key) === true;
}
