import { isFunction, record } from "../../base/values.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { type Call, likeOriginal, type Sdk } from "../calls/sdk.ts";
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
  const result = Object.create(Object.getPrototypeOf(ai) ?? Object.prototype) as T;
  const ownThis = (original: Call) => withOwnThis(original, result, ai);
  const exports = exportsOf(ai, ownThis);
  // The SDK exports some functions under two names. Both names get one wrapper.
  const wrapped = new Map<unknown, object>();
  for (const [name, wrap] of wrapsOf(sdk, ownThis)) {
    const original = namespace[name];
    if (!isFunction(original) || wrappers.has(original)) continue;
    const wrapper = wrapped.get(original) ?? wrap(original);
    wrapped.set(original, wrapper);
    wrappers.add(wrapper);
    exports[name] = { value: wrapper, enumerable: true, configurable: true, writable: true };
  }
  return Object.defineProperties(result, exports);
}

/**
 * Returns the exports of a namespace. Getters and setters run on the namespace, and so do the members of its class if it
 * is an object with one: they may use private members.
 */
function exportsOf(ai: object, ownThis: (original: Call) => Call): PropertyDescriptorMap {
  const exports: PropertyDescriptorMap = {};
  let source: object | null = ai;
  while (source !== null && source !== Object.prototype) {
    for (const key of Reflect.ownKeys(source)) {
      if (key === "constructor" || Object.hasOwn(exports, key)) continue;
      const descriptor = Object.getOwnPropertyDescriptor(source, key) as PropertyDescriptor;
      const { get, set, value } = descriptor;
      if (get !== undefined) descriptor.get = () => Reflect.get(ai, key) as unknown;
      if (set !== undefined) descriptor.set = (next) => Reflect.set(ai, key, next);
      if (source !== ai && isFunction(value)) descriptor.value = ownThis(value);
      exports[key as string] = descriptor;
    }
    source = Object.getPrototypeOf(source) as object | null;
  }
  return exports;
}

/**
 * Returns a function of a namespace that gets the namespace as `this` if it is called as a method of the wrapped one.
 * A namespace of the user's own may be an object with state.
 */
function withOwnThis(original: Call, wrapped: object, ai: object): Call {
  const method = function (this: unknown, ...args: unknown[]) {
    return original.apply(this === wrapped ? ai : this, args);
  };
  return likeOriginal(method, original);
}

function wrapsOf(sdk: Sdk, ownThis: (original: Call) => Call): [string, Wrap][] {
  return [
    ...operationFunctions.map((sdkFunction): [string, Wrap] => [
      sdkFunction.name,
      (original) => wrapOperationFunction(sdk, sdkFunction, ownThis(original)),
    ]),
    ...modelFunctions.map((sdkFunction): [string, Wrap] => [
      sdkFunction.name,
      (original) => wrapModelFunction(sdk, sdkFunction, ownThis(original)),
    ]),
    ...agentClasses.map((name): [string, Wrap] => [
      name,
      (original) => wrapAgentClass(sdk, original),
    ]),
  ];
}
