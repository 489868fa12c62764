// Flue's own OpenTelemetry adapter, for the benchmark that compares with it.
import { createOpenTelemetryInstrumentation } from "@flue/opentelemetry";
import type { Occurrence } from "./recordings.ts";

type Options = NonNullable<Parameters<typeof createOpenTelemetryInstrumentation>[0]>;

/** What Flue's own adapter does with each event. */
export function flueObserver(tracer: unknown, content: boolean): (event: Occurrence) => void {
  const options: Options = { tracer: tracer as NonNullable<Options["tracer"]> };
  if (!content) Object.assign(options, { content: false });
  const { observe } = createOpenTelemetryInstrumentation(options);
  return ({ event, ctx }) => observe(event as never, ctx as never);
}
