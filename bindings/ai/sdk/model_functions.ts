import { reportOnce } from "../../base/report_once.ts";
import { isFunction, isThenable, record } from "../../base/values.ts";
import { isRecorded } from "../../trace/telemetry.ts";
import { isDisabled, type Params } from "../calls/identity.ts";
import { observedModel } from "../calls/model_call.ts";
import { ModelCalls } from "../calls/model_calls.ts";
import { type ModelKind, modelKinds } from "../calls/model_kinds.ts";
import { observeStream } from "../calls/observe_stream.ts";
import { type ProviderCall, runProviderCall } from "../calls/provider_call.ts";
import { modelInfo } from "../calls/request.ts";
import { type Call, likeOriginal, type Sdk } from "../calls/sdk.ts";
import { type StartedWork, startedWork } from "../calls/started_work.ts";
import { interceptModel } from "../calls/substitutes.ts";
import { withoutOurs } from "../hooks/integration.ts";
import { dropClaim, runClaimed } from "../hooks/integration_calls.ts";
import type { ModelFunction } from "./sdk_functions.ts";

/** Wraps a function that only calls a model. Each request to the provider gets a span. */
export function wrapModelFunction(sdk: Sdk, sdkFunction: ModelFunction, original: Call): Call {
  const wrapper = function (this: unknown, ...args: unknown[]) {
    const { telemetry } = sdk;
    const call = isRecorded(telemetry)
      ? telemetry.guard(() => observe(sdk, sdkFunction, args[0]))
      : undefined;
    if (call === undefined) return original.apply(this, args);
    const { params, owner, started } = call;
    const run = () => original.apply(this, [params, ...args.slice(1)]);
    const result = sdk.major === 6 ? run() : runClaimed(run);
    const settled = (value: unknown) => {
      telemetry.guard(() => noteReader(owner, value));
      started?.end();
      return value;
    };
    if (!isThenable(result)) return settled(result);
    // For other functions, returns the promise of the SDK itself.
    if (started === undefined && sdkFunction.kind !== modelKinds.language) return result;
    return result.then(settled, (cause: unknown) => {
      started?.fail(cause);
      throw cause;
    });
  };
  return likeOriginal(wrapper, original);
}

interface ObservedCall {
  readonly params: Params;
  readonly owner: ModelCalls;
  readonly started: StartedWork | undefined;
}

function observe(
  sdk: Sdk,
  { kind, awaitsResult }: ModelFunction,
  argument: unknown,
): ObservedCall | undefined {
  const params = record(argument) as Params | undefined;
  if (params === undefined || isDisabled(params)) return undefined;
  const model = resolveModel(sdk, kind, params["model"]);
  if (model === undefined) {
    reportUnknownGateway(sdk, params["model"]);
    return undefined;
  }
  const owner = new ModelCalls(sdk, params, kind.outputType);
  if (kind === modelKinds.language) {
    const observed = observedModel(owner, model, isUnhooked);
    return { params: withoutOurs({ ...params, model: observed }), owner, started: undefined };
  }
  const started = awaitsResult === true ? startedWork(owner) : undefined;
  const observed = interceptModel(model, (name, method) => {
    if (typeof name !== "string" || !kind.methods.includes(name)) return undefined;
    if (name === "doStatus") return started === undefined ? method : started.observeStatus(method);
    return (options, ...rest) => {
      dropClaim();
      const request = {
        kind,
        model: modelInfo(model),
        method: name,
        source: model,
        options: record(options) ?? {},
      };
      const settle = (call: ProviderCall, result: unknown) => {
        if (name === "doStart" && started?.add(call, result) === true) return;
        call.settled(result);
      };
      return runProviderCall(owner, request, () => method(options, ...rest), settle);
    };
  });
  return { params: withoutOurs({ ...params, model: observed }), owner, started };
}

/** The SDK has no hooks for these model calls. It has announced the call to the channel before. */
function isUnhooked(): boolean {
  dropClaim();
  return false;
}

/**
 * Notes when the result of a streaming function gets a reader. The result is a stream, or an object whose getters start
 * reading. Does nothing for other results.
 */
function noteReader(owner: ModelCalls, result: unknown): void {
  const source = record(result);
  const noted = { isRead: false };
  const read = () => {
    noted.isRead = true;
  };
  const stream = source === undefined ? undefined : ownValue(source, "stream");
  if (stream instanceof ReadableStream) {
    const observer = { onStart: read, onDone: read, onError: read, onCancel: read };
    noted.isRead = !observeStream(stream, observer);
    owner.stream = noted;
    return;
  }
  if (source === undefined || ownGetter(source, "fullStream") === undefined) return;
  for (const name of Object.keys(source)) {
    const get = ownGetter(source, name);
    if (get === undefined) continue;
    const observedGet = function (this: unknown) {
      read();
      return get.call(this) as unknown;
    };
    Object.defineProperty(source, name, { get: observedGet, configurable: true, enumerable: true });
  }
  owner.stream = noted;
}

function ownValue(source: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(source, name)?.value as unknown;
}

function ownGetter(source: object, name: string): (() => unknown) | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(source, name);
  return descriptor?.configurable === true ? descriptor.get : undefined;
}

declare global {
  // The user's provider of string ids, if there is one.
  var AI_SDK_DEFAULT_PROVIDER: unknown;
}

/**
 * Returns the model of a call. Resolves a string id as the SDK does. Returns undefined if the model has no method to
 * observe, or if the id cannot be resolved; the SDK then tries again and reports the error.
 */
export function resolveModel(sdk: Sdk, kind: ModelKind, model: unknown): object | undefined {
  const resolved = record(typeof model === "string" ? modelOfId(sdk, kind, model) : model);
  return kind.methods.some((method) => isFunction(resolved?.[method])) ? resolved : undefined;
}

/** The provider of string ids, as far as it is known. */
function defaultProvider(sdk: Sdk): unknown {
  return globalThis.AI_SDK_DEFAULT_PROVIDER ?? sdk.namespace["gateway"];
}

/**
 * Logs once that a model is not traced, if it is an id for the gateway and `wrapAISDK` did not get the gateway. The
 * gateway also shows the version of the SDK. A custom provider resolves ids differently in each version.
 */
export function reportUnknownGateway(sdk: Sdk, model: unknown): void {
  if (typeof model !== "string" || isFunction(sdk.namespace["gateway"])) return;
  if (sdk.major !== undefined && record(globalThis.AI_SDK_DEFAULT_PROVIDER) !== undefined) return;
  reportOnce(
    "isotel/ai: a model that is given as a string is not traced, because wrapAISDK did not get the SDK's gateway. " +
      'Import gateway from "ai" and pass it too, as in wrapAISDK({ embed, gateway })',
  );
}

function modelOfId(sdk: Sdk, kind: ModelKind, id: string): unknown {
  const provider = defaultProvider(sdk);
  // The gateway is a function with the methods of a provider.
  if (!isFunction(provider) && record(provider) === undefined) return undefined;
  const methods = provider as unknown as Readonly<Record<string, unknown>>;
  const version = methods["specificationVersion"];
  const isCurrent = version === "v3" || version === "v4";
  // The two versions of the SDK call different factories of older providers.
  if (sdk.major === undefined && kind.legacyFactories && !isCurrent) return undefined;
  const isAdapted = sdk.major === 7 && kind.isRaw !== true && version !== "v4";
  const names =
    isAdapted && version !== "v3" ? (kind.legacyFactories ?? kind.factories) : kind.factories;
  const factory = names.map((name) => methods[name]).find(isFunction);
  try {
    return factory?.call(kind.isDetached === true && !isAdapted ? undefined : provider, id);
  } catch {
    return undefined;
  }
}
