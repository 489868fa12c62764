import { isFunction } from "../../base/values.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Settings } from "../options.ts";

/** An AI SDK and the instrumentation of its calls. */
export interface Sdk {
  readonly telemetry: Telemetry;
  readonly settings: Settings;
  /** The exports of the package `ai` that were passed: all of them, or a few functions. */
  readonly namespace: Readonly<Record<string, unknown>>;
  /** The version of the package. Undefined if the exports do not show it; see `majorOf`. */
  readonly major: 6 | 7 | undefined;
}

/**
 * Returns the version if the exports show it. Most functions show it only when they are called: version 7 calls the
 * hooks of the call's telemetry integration, and version 6 does not.
 */
export function majorOf(namespace: Readonly<Record<string, unknown>>): 6 | 7 | undefined {
  if (isFunction(namespace["registerTelemetry"])) return 7;
  if (isFunction(namespace["registerTelemetryIntegration"])) return 6;
  const { gateway } = namespace;
  switch (isFunction(gateway) && Reflect.get(gateway, "specificationVersion")) {
    case "v3":
      return 6;
    case "v4":
      return 7;
    default:
      return undefined;
  }
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
