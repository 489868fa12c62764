import { nativeWaitUntil } from "#native-tracing";
import { systemClock } from "../trace/clock.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import type { Environment } from "./backends/settings.ts";
import { Exports } from "./exporting.ts";
import { systemSurroundings } from "./pipeline/make_pipeline.ts";

/** The exports of this isolate. */
export const otlpExports: Exports = new Exports(
  workersTelemetry,
  systemSurroundings(systemClock, nativeWaitUntil),
);

/** The variables of the process, which Workers have as well with nodejs_compat. */
export function variables(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {};
}
