// Flue's own OpenTelemetry adapter, for what compares with it.
import { createOpenTelemetryInstrumentation } from "@flue/opentelemetry";
import type { EventContext } from "./recordings.ts";

type Options = NonNullable<Parameters<typeof createOpenTelemetryInstrumentation>[0]>;

/**
 * What Flue's own adapter does with each event.
 *
 * @param tracer Default: OpenTelemetry's tracer that does nothing.
 */
export function flueObserver(
  tracer: unknown,
  content: boolean,
  logger?: Options["logger"],
): (event: EventContext) => void {
  const options: Options = {
    tracer: tracer as NonNullable<Options["tracer"]>,
    ...(logger !== undefined && { logger }),
  };
  if (!content) Object.assign(options, { content: false });
  const { observe } = createOpenTelemetryInstrumentation(options);
  return ({ event, ctx }) => observe(event as never, ctx as never);
}

/** Flue's own adapter as `instrument()` takes it. What it makes active it does in the global context manager. */
export function flueInstrumentation(
  tracer: unknown,
  content: boolean,
): ReturnType<typeof createOpenTelemetryInstrumentation> {
  const options: Options = { tracer: tracer as NonNullable<Options["tracer"]> };
  if (!content) Object.assign(options, { content: false });
  return createOpenTelemetryInstrumentation(options);
}
