import type { Telemetry } from "../../trace/telemetry.ts";
import { isThenable } from "../../trace/thenable.ts";
import { isDisabled, type Params } from "../calls/identity.ts";
import { observedModel } from "../calls/model_call.ts";
import { ModelCalls } from "../calls/model_calls.ts";
import { interceptModel } from "../calls/model_proxy.ts";
import { type ProviderCall, runProviderCall } from "../calls/provider_call.ts";
import { modelInfo } from "../calls/request.ts";
import { type StartedWork, startedWork } from "../calls/started_work.ts";
import { withoutOurs } from "../hooks/integration.ts";
import { runClaimed } from "../hooks/integration_claims.ts";
import { record } from "../read.ts";
import { noteReader } from "../streams/stream_reader.ts";
import { modelKinds } from "./model_kinds.ts";
import { resolveModel } from "./resolve_model.ts";
import { type Call, likeOriginal, type Sdk } from "./sdk.ts";
import type { ModelFunction } from "./sdk_functions.ts";

/** A function that only calls a model, with a span for each request to the provider. */
export function wrapModelFunction(sdk: Sdk, sdkFunction: ModelFunction, original: Call): Call {
  const wrapper = function (this: unknown, ...args: unknown[]) {
    const { telemetry } = sdk;
    const call = isRecorded(telemetry)
      ? telemetry.guard(() => observe(sdk, sdkFunction, args[0]))
      : undefined;
    if (call === undefined) return original.apply(this, args);
    const { params, owner, started } = call;
    const run = () => original.apply(this, [params, ...args.slice(1)]);
    const result = sdk.isV7 ? runClaimed(run) : run();
    const settled = (value: unknown) => {
      telemetry.guard(() => noteReader(owner, value));
      started?.end();
      return value;
    };
    if (!isThenable(result)) return settled(result);
    // Of the others the promise is the SDK's own.
    if (started === undefined && sdkFunction.kind !== modelKinds.language) return result;
    return result.then(settled, (cause: unknown) => {
      started?.fail(cause);
      throw cause;
    });
  };
  return likeOriginal(wrapper, original);
}

const noTraceId = "0".repeat(32);

/**
 * Whether a span opened here would be recorded, by a trace or by metrics. There is no span yet to ask: the active one is
 * asked instead, which may have ended in a trace that goes on.
 */
export function isRecorded({ host, runtime }: Telemetry): boolean {
  const { core } = host;
  if (core?.isMeasuring === true) return true;
  if (!runtime.capabilities.spans || core === undefined) return false;
  const active = runtime.activeSpan();
  return active === undefined || active.isTraced || active.spanContext?.()?.traceId !== noTraceId;
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
  if (model === undefined) return undefined;
  const owner = new ModelCalls(sdk, params, kind.outputType);
  if (kind === modelKinds.language) {
    const observed = observedModel(owner, model);
    return { params: observedParams(sdk, params, observed), owner, started: undefined };
  }
  const started = awaitsResult === true ? startedWork(owner) : undefined;
  const observed = interceptModel(model, (name, method) => {
    if (typeof name !== "string" || !kind.methods.includes(name)) return undefined;
    if (name === "doStatus") return started === undefined ? method : started.observeStatus(method);
    return (options, ...rest) => {
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
  return { params: observedParams(sdk, params, observed), owner, started };
}

function observedParams(sdk: Sdk, params: Params, model: object): Params {
  const observed = { ...params, model };
  return sdk.isV7 ? withoutOurs(observed) : observed;
}
