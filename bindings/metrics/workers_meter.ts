import { systemClock } from "../trace/clock.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import { Meter } from "./meter.ts";

let meter: Meter | undefined;

/** The metrics of this isolate, in the core that its spans are in. */
export function workersMeter(): Meter {
  meter ??= new Meter(workersTelemetry.host, {
    clock: systemClock,
    random: (bytes) => void crypto.getRandomValues(bytes),
    warn: (message) => console.warn(message),
  });
  return meter;
}
