import type { Telemetry } from "../../trace/telemetry.ts";
import type { Settings } from "../options.ts";

/** An AI SDK and how its calls are traced. */
export interface Sdk {
  readonly telemetry: Telemetry;
  readonly settings: Settings;
  /** The exports of the package `ai`. */
  readonly namespace: Readonly<Record<string, unknown>>;
  /** Version 7, not 6. */
  readonly isV7: boolean;
}

/** A function of the SDK, or a wrapper in its place. */
export type Call = (...args: unknown[]) => unknown;

/** Gives a wrapper the name and the length of what it stands for. */
export function likeOriginal<T extends object>(
  wrapper: T,
  original: { readonly name: string; readonly length: number },
): T {
  return Object.defineProperties(wrapper, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
}
