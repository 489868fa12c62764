import type { Telemetry } from "./telemetry.ts";

let provided: Telemetry | undefined;

/** Called by the part of the package that has the core: others do without its code unless it is there. */
export function provideTelemetry(telemetry: Telemetry): void {
  provided = telemetry;
}

/** The telemetry of this isolate; undefined in a program that carries none. */
export function providedTelemetry(): Telemetry | undefined {
  return provided;
}
