import { sharedSlot } from "../base/shared.ts";
import type { Telemetry } from "./telemetry.ts";

const provided = sharedSlot<Telemetry>("provided telemetry");

/** Called by the module that carries the core. Other modules read it here, so that they do not import the core. */
export function provideTelemetry(telemetry: Telemetry): void {
  provided.value = telemetry;
}

/** Returns the telemetry of this isolate, or undefined in a program that does not carry the core. */
export function providedTelemetry(): Telemetry | undefined {
  return provided.value;
}
