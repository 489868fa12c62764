import { metricsRecording } from "../slots/metrics_recording.ts";
import { otlpInvocations } from "../slots/otlp_invocations.ts";

/**
 * Sends the metrics, spans and log records of this isolate now: at the end of a script, or in a test before it looks at
 * what arrived. Handlers that `withTelemetry` wraps need no call.
 *
 * ```ts
 * ctx.waitUntil(flush());
 * ```
 *
 * Spans that are still open are not sent. Never rejects. Call it inside an invocation.
 *
 * @returns whether nothing waits any more. What could not be sent is kept and sent again later.
 */
export async function flush(): Promise<boolean> {
  const outcomes = await Promise.allSettled([
    metricsRecording()?.flush() ?? true,
    otlpInvocations()?.flush() ?? true,
  ]);
  return outcomes.every((outcome) => outcome.status === "fulfilled" && outcome.value);
}
