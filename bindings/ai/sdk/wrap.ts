import { isFunction, record } from "../../base/values.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Call, Sdk } from "../calls/sdk.ts";
import { type AITelemetryOptions, readSettings } from "../options.ts";
import { wrapAgentClass } from "./agents.ts";
import { wrapModelFunction } from "./model_functions.ts";
import { wrapOperationFunction } from "./operation_functions.ts";
import { agentClasses, modelFunctions, operationFunctions } from "./sdk_functions.ts";

type Wrap = (original: Call) => object;

/** All wrappers, so that no wrapper is wrapped again. */
const wrappers = new WeakSet<object>();

type Cache = WeakMap<object, WeakMap<object, object>>;

/** Results by telemetry, namespace and options. A program may call wrapAISDK for each request. */
const caches = new WeakMap<Telemetry, Cache>();

/** Wraps the functions and classes of an AI SDK namespace. Returns one result for equal arguments; see `wrapAISDK`. */
export function wrapNamespace<T extends object>(
  telemetry: Telemetry,
  ai: T,
  options: AITelemetryOptions | undefined,
): T {
  const cache = caches.get(telemetry) ?? new WeakMap<object, WeakMap<object, object>>();
  const key = record(options) ?? caches;
  const known = record(ai) && cache.get(ai)?.get(key);
  if (known !== undefined) return known as T;
  const wrapped = wrapAnew(telemetry, ai, options);
  caches.set(telemetry, cache);
  const byOptions = cache.get(ai) ?? new WeakMap<object, object>();
  cache.set(ai, byOptions.set(key, wrapped));
  return wrapped;
}

function wrapAnew<T extends object>(
  telemetry: Telemetry,
  ai: T,
  options: AITelemetryOptions | undefined,
): T {
  const settings = readSettings(options);
  const namespace = record(ai);
  if (
    namespace === undefined ||
    !operationFunctions.some(({ name }) => isFunction(namespace[name]))
  ) {
    throw new TypeError(
      `isotel/ai: wrapAISDK takes the namespace of the AI SDK (import * as ai from "ai"), ` +
        `an object with generateText or streamText; it got ${ai === null ? "null" : typeof ai}`,
    );
  }
  const isV7 = isFunction(namespace["registerTelemetry"]);
  const sdk: Sdk = { telemetry, settings, namespace, isV7 };
  telemetry.addPrices(settings.prices);
  const exports: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(ai);
  // The SDK exports some functions under two names. Both names get one wrapper.
  const wrapped = new Map<unknown, object>();
  for (const [name, wrap] of wrapsOf(sdk)) {
    const original = namespace[name];
    if (!isFunction(original) || wrappers.has(original)) continue;
    const wrapper = wrapped.get(original) ?? wrap(original);
    wrapped.set(original, wrapper);
    wrappers.add(wrapper);
    exports[name] = { value: wrapper, enumerable: true, configurable: true, writable: true };
  }
  return Object.defineProperties({}, exports) as T;
}

function wrapsOf(sdk: Sdk): [string, Wrap][] {
  return [
    ...operationFunctions.map((sdkFunction): [string, Wrap] => [
      sdkFunction.name,
      (original) => wrapOperationFunction(sdk, sdkFunction, original),
    ]),
    ...modelFunctions.map((sdkFunction): [string, Wrap] => [
      sdkFunction.name,
      (original) => wrapModelFunction(sdk, sdkFunction, original),
    ]),
    ...agentClasses.map((name): [string, Wrap] => [
      name,
      (original) => wrapAgentClass(sdk, original),
    ]),
  ];
}
