import { isFunction, record } from "../../base/values.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { type Call, likeOriginal, majorOf, type Sdk } from "../calls/sdk.ts";
import { type AITelemetryOptions, readSettings } from "../options.ts";
import { wrapAgentClass } from "./agents.ts";
import { wrapModelFunction } from "./model_functions.ts";
import { wrapOperationFunction } from "./operation_functions.ts";
import { agentClasses, modelFunctions, operationFunctions } from "./sdk_functions.ts";

type Wrap = (original: Call) => object;

/** Marks a wrapper, so that it is not wrapped again. The mark is equal in every copy of this library. */
const mark = Symbol.for("isotel.ai.wrapper");

/** Returns the namespace as another copy of this library wraps it, if that copy traces the calls of this one. */
export type WrapElsewhere = (
  ai: object,
  options: AITelemetryOptions | undefined,
) => Readonly<Record<string, unknown>> | undefined;

type Cache = WeakMap<object, WeakMap<object, object>>;

/** Results by telemetry, namespace and options. A program may call wrapAISDK for each request. */
const caches = new WeakMap<Telemetry, Cache>();

/** Wraps the functions and classes of an AI SDK namespace. Returns one result for equal arguments; see `wrapAISDK`. */
export function wrapNamespace<T extends object>(
  telemetry: Telemetry,
  ai: T,
  options: AITelemetryOptions | undefined,
  elsewhere?: WrapElsewhere,
): T {
  const cache = caches.get(telemetry) ?? new WeakMap<object, WeakMap<object, object>>();
  const key = record(options) ?? caches;
  const known = record(ai) && cache.get(ai)?.get(key);
  if (known !== undefined) return known as T;
  const wrapped = wrapAnew(telemetry, ai, options, elsewhere);
  caches.set(telemetry, cache);
  const byOptions = cache.get(ai) ?? new WeakMap<object, object>();
  cache.set(ai, byOptions.set(key, wrapped));
  return wrapped;
}

function wrapAnew<T extends object>(
  telemetry: Telemetry,
  ai: T,
  options: AITelemetryOptions | undefined,
  elsewhere: WrapElsewhere | undefined,
): T {
  const settings = readSettings(options);
  const namespace = record(ai);
  if (namespace === undefined || !wrappedNames.some((name) => isFunction(namespace[name]))) {
    throw new TypeError(
      "isotel/ai: wrapAISDK takes functions of the AI SDK that call a model; it got " +
        `${namespace === undefined ? shapeOf(ai) : "an object without any of them"}. ` +
        'Write wrapAISDK({ generateText, streamText }), with both imported from "ai"',
    );
  }
  const sdk: Sdk = { telemetry, settings, namespace, major: majorOf(namespace) };
  telemetry.addPrices(settings.prices);
  const result = Object.create(Object.getPrototypeOf(ai) ?? Object.prototype) as T;
  const ownThis = (original: Call) => withOwnThis(original, result, ai);
  const exports = exportsOf(ai, ownThis);
  const redirected = (wrapper: Call, name: string): object => {
    const there = () => elsewhere?.(ai, options);
    Object.defineProperty(wrapper, mark, { value: true });
    if (elsewhere === undefined) return wrapper;
    if (agentClasses.includes(name)) return redirectMethods(wrapper, () => there()?.[name]);
    const redirecting = function (this: unknown, ...args: unknown[]) {
      const other = there();
      const method = other?.[name];
      if (!isFunction(method)) return wrapper.apply(this, args);
      return method.apply(this === result ? other : this, args);
    };
    return likeOriginal(Object.defineProperty(redirecting, mark, { value: true }), wrapper);
  };
  // The SDK exports some functions under two names. Both names get one wrapper.
  const wrapped = new Map<unknown, object>();
  for (const [name, wrap] of wrapsOf(sdk, ownThis)) {
    const original = namespace[name];
    if (!isFunction(original) || isWrapper(original)) continue;
    const wrapper = wrapped.get(original) ?? redirected(wrap(original) as Call, name);
    wrapped.set(original, wrapper);
    exports[name] = { value: wrapper, enumerable: true, configurable: true, writable: true };
  }
  return Object.defineProperties(result, exports);
}

const wrappedNames: readonly string[] = [
  ...[...operationFunctions, ...modelFunctions].map(({ name }) => name),
  ...agentClasses,
];

function shapeOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}

function isWrapper(value: unknown): boolean {
  return (value as { readonly [mark]?: unknown })[mark] === true;
}

/** Makes the methods of a wrapped agent class call those of another class, if there is one. */
function redirectMethods(agentClass: Call, other: () => unknown): object {
  const methods = agentClass.prototype as Record<string, Call>;
  for (const name of ["generate", "stream"]) {
    const method = methods[name] as Call;
    const value = function (this: unknown, ...args: unknown[]) {
      const there = (other() as { prototype?: Record<string, unknown> } | undefined)?.prototype;
      const redirected = there?.[name];
      return (isFunction(redirected) ? redirected : method).apply(this, args);
    };
    Object.defineProperty(methods, name, { value: likeOriginal(value, method) });
  }
  return agentClass;
}

/**
 * Returns the exports of a namespace. Getters and setters run on the namespace. If the namespace is an instance of a
 * class, so do the members of that class, because they may use private members.
 */
function exportsOf(ai: object, ownThis: (original: Call) => Call): PropertyDescriptorMap {
  const exports: PropertyDescriptorMap = {};
  let source: object | null = ai;
  while (source !== null && source !== Object.prototype) {
    for (const key of Reflect.ownKeys(source)) {
      if (key === "constructor" || Object.hasOwn(exports, key)) continue;
      const descriptor = Object.getOwnPropertyDescriptor(source, key);
      if (descriptor === undefined) continue;
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
 * A custom namespace may be an object with state.
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
