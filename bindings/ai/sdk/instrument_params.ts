import { isFunction, isThenable, record } from "../../base/values.ts";
import { type Replaceable, telemetryOptions } from "../calls/identity.ts";
import { observedModel } from "../calls/model_call.ts";
import { modelKinds } from "../calls/model_kinds.ts";
import type { AIOperation } from "../calls/operation.ts";
import type { Sdk } from "../calls/sdk.ts";
import { originalModel } from "../calls/substitutes.ts";
import { observedTools } from "../calls/tool_call.ts";
import { callIntegration, foreignIntegrations, ToolEnds } from "../hooks/integration.ts";
import { dropClaim } from "../hooks/integration_calls.ts";
import { reportUnknownGateway, resolveModel } from "./model_functions.ts";
import type { OperationFunction } from "./sdk_functions.ts";

/** Whether the SDK calls hooks in the calls of one function. Undefined until a call has shown it. */
export interface HookUse {
  areCalled: boolean | undefined;
}

/** Returns what is known about the hooks of a function before its first call. */
export function hookUseOf(sdk: Sdk, { hasHooks }: OperationFunction): HookUse {
  if (!hasHooks) return { areCalled: false };
  return { areCalled: sdk.major === undefined ? undefined : sdk.major === 7 };
}

/**
 * Observes the model calls and the tools of a call. Version 7 traces them through the hooks of an integration. For
 * version 6, and for functions without hooks, the model and the tools are replaced. If the version is unknown, the call
 * has both: replacements that leave to the hooks what the hooks trace.
 *
 * @param toolEndsOfAgent Gets the ends of tools from the callback of an agent. Default: the callback of the call is
 * observed.
 */
export function instrumentParams(
  sdk: Sdk,
  sdkFunction: OperationFunction,
  hookUse: HookUse,
  operation: AIOperation,
  params: Replaceable,
  toolEndsOfAgent?: ToolEnds,
): void {
  let isHooked = false;
  if (hookUse.areCalled !== false) {
    const toolEnds = toolEndsOfAgent ?? new ToolEnds();
    if (toolEndsOfAgent === undefined && sdkFunction.isSingleStep !== true) {
      const { onToolExecutionEnd, experimental_onToolCallFinish } = params;
      // The second one is an alias.
      const own = onToolExecutionEnd ?? experimental_onToolCallFinish;
      observeToolEnds(operation, toolEnds, params, own);
    }
    const integration = callIntegration(operation, toolEnds, () => {
      isHooked = true;
      hookUse.areCalled = true;
    });
    // v7 prefers this key to `experimental_telemetry`. v6 reads only the other one, which stays as it is.
    const integrations = [...foreignIntegrations(params), integration];
    params["telemetry"] = { ...telemetryOptions(params), integrations };
  }
  if (hookUse.areCalled === true) return;
  replaceModelAndTools(sdk, sdkFunction, operation, params, () => {
    // The channel has announced a call of v7 before its first model call or tool, and never announces one of v6.
    if (!isHooked) dropClaim();
    return isHooked;
  });
}

/**
 * Replaces the callback of v7 for the end of a tool, which has the result of a tool that runs in a hook.
 *
 * @param own The callback that the SDK would call.
 */
export function observeToolEnds(
  operation: AIOperation,
  toolEnds: ToolEnds,
  params: Replaceable,
  own: unknown,
): void {
  params["onToolExecutionEnd"] = function (this: unknown, event: unknown) {
    operation.telemetry.guard(() => toolEnds.ended(event));
    return isFunction(own) ? own.call(this, event) : undefined;
  };
}

/** Observes the model of a call, its tools and the models of its steps by replacing them. */
function replaceModelAndTools(
  sdk: Sdk,
  { isSingleStep }: OperationFunction,
  operation: AIOperation,
  params: Replaceable,
  isHooked: () => boolean,
): void {
  const source = params["model"];
  const model = resolveModel(sdk, modelKinds.language, source);
  if (model !== undefined) params["model"] = observedModel(operation, model, isHooked);
  const { tools, prepareStep, experimental_prepareStep } = params;
  if (tools !== undefined) params["tools"] = observedTools(operation, tools, isHooked);
  if (isSingleStep === true) {
    if (model === undefined) reportUnknownGateway(sdk, source);
    return;
  }
  // The SDK passes the model of an id that only it can resolve to prepareStep.
  const isElsewhere = model === undefined && typeof source === "string";
  const preparedStep = (prepared: unknown, given: unknown): unknown => {
    if (isThenable(prepared)) return prepared.then((value) => preparedStep(value, given));
    const step = record(prepared);
    const next = resolveModel(
      sdk,
      modelKinds.language,
      step?.["model"] ?? (isElsewhere ? given : undefined),
    );
    return next === undefined
      ? prepared
      : { ...step, model: observedModel(operation, next, isHooked) };
  };
  const observed = (own: unknown) =>
    function (this: unknown, step: unknown) {
      const given = record(step)?.["model"];
      const original =
        model === undefined ? step : { ...record(step), model: originalModel(model) };
      return preparedStep(isFunction(own) ? own.call(this, original) : undefined, given);
    };
  if (isFunction(experimental_prepareStep)) {
    params["experimental_prepareStep"] = observed(experimental_prepareStep);
  }
  const isDefault = isElsewhere && !isFunction(experimental_prepareStep);
  if (isFunction(prepareStep) || isDefault) params["prepareStep"] = observed(prepareStep);
}
