import { isFunction, isThenable, record } from "../../base/values.ts";
import { type Replaceable, telemetryOptions } from "../calls/identity.ts";
import { observedModel } from "../calls/model_call.ts";
import { modelKinds } from "../calls/model_kinds.ts";
import type { AIOperation } from "../calls/operation.ts";
import type { Sdk } from "../calls/sdk.ts";
import { originalModel } from "../calls/substitutes.ts";
import { observedTools } from "../calls/tool_call.ts";
import { callIntegration, foreignIntegrations } from "../hooks/integration.ts";
import { resolveModel } from "./model_functions.ts";

/**
 * Observes the model of a call, its tools and the models that prepareStep returns. Used for all functions of v6, and
 * for the functions of v7 without hooks.
 */
export function instrumentV6(sdk: Sdk, operation: AIOperation, params: Replaceable): void {
  const model = resolveModel(sdk, modelKinds.language, params["model"]);
  if (model !== undefined) params["model"] = observedModel(operation, model);
  const { tools, prepareStep, experimental_prepareStep } = params;
  if (tools !== undefined) params["tools"] = observedTools(operation, tools);
  const observed = (own: (step: unknown) => unknown) =>
    function (this: unknown, step: unknown) {
      const original =
        model === undefined ? step : { ...record(step), model: originalModel(model) };
      return preparedStep(sdk, operation, own.call(this, original));
    };
  if (isFunction(prepareStep)) params["prepareStep"] = observed(prepareStep);
  if (isFunction(experimental_prepareStep)) {
    params["experimental_prepareStep"] = observed(experimental_prepareStep);
  }
}

function preparedStep(sdk: Sdk, operation: AIOperation, step: unknown): unknown {
  if (isThenable(step)) return step.then((value) => preparedStep(sdk, operation, value));
  const source = record(step);
  if (source?.["model"] === undefined) return step;
  const model = resolveModel(sdk, modelKinds.language, source["model"]);
  return model === undefined ? step : { ...source, model: observedModel(operation, model) };
}

/** Adds an integration to a v7 call. */
export function instrumentV7(operation: AIOperation, params: Replaceable): void {
  const integrations = [...foreignIntegrations(params), callIntegration(operation)];
  params["telemetry"] = { ...telemetryOptions(params), integrations };
  if ("experimental_telemetry" in params) delete params["experimental_telemetry"];
}
