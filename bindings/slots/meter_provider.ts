import type { MeterProvider } from "@opentelemetry/api";
import { sharedSlot } from "../base/shared.ts";

const slot = sharedSlot<MeterProvider>("meter provider");

/** Called by `isotel/opentelemetry/metrics`. A Worker without it does not carry its code. */
export function provideMeterProvider(provider: MeterProvider): void {
  slot.value = provider;
}

export function providedMeterProvider(): MeterProvider | undefined {
  return slot.value;
}
