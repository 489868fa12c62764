import { nativeWaitUntil } from "#native-tracing";
import { systemClock } from "../trace/clock.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import { Exports } from "./exporting.ts";
import { systemSurroundings } from "./pipeline/make_pipeline.ts";

/** The exports of this isolate. */
export const otlpExports: Exports = new Exports(
  workersTelemetry,
  systemSurroundings(systemClock, nativeWaitUntil),
);
