import type { Telemetry } from "../../trace/telemetry.ts";
import type { Settings } from "../options.ts";

/** An AI SDK and the instrumentation of its calls. */
export interface Sdk {
  readonly telemetry: Telemetry;
  readonly settings: Settings;
  /** The exports of the package `ai`. */
  readonly namespace: Readonly<Record<string, unknown>>;
  /** Whether it is version 7. Otherwise it is version 6. */
  readonly isV7: boolean;
}

/** A function of the SDK, or its wrapper. */
export type Call = (...args: unknown[]) => unknown;

/** Gives a wrapper the name and length of the original. */
export function likeOriginal<T extends object>(
  wrapper: T,
  original: { readonly name: string; readonly length: number },
): T {
  return Object.defineProperties(wrapper, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
}
