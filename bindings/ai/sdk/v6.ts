import { isThenable } from "../../trace/thenable.ts";
import type { Params } from "../calls/identity.ts";
import { observedModel } from "../calls/model_call.ts";
import { originalModel } from "../calls/model_proxy.ts";
import type { AIOperation } from "../calls/operation.ts";
import { observedTools } from "../calls/tool_call.ts";
import { isFunction, record } from "../read.ts";
import { modelKinds } from "./model_kinds.ts";
import { resolveModel } from "./resolve_model.ts";
import type { Sdk } from "./sdk.ts";

/**
 * The parameters of a call with its model, its tools and the models its prepareStep swaps in observed: all of v6, and
 * the functions of v7 that have no hooks for it.
 */
export function instrumentParams(sdk: Sdk, operation: AIOperation, params: Params): Params {
  const approvals = operation.approvals.observe(params);
  const model = resolveModel(sdk, modelKinds.language, params["model"]);
  const observed: Record<PropertyKey, unknown> = { ...params, ...approvals };
  if (model !== undefined) observed["model"] = observedModel(operation, model);
  const { tools } = observed;
  if (tools !== undefined) observed["tools"] = observedTools(operation, tools);
  for (const key of ["prepareStep", "experimental_prepareStep"]) {
    const prepareStep = params[key];
    if (!isFunction(prepareStep)) continue;
    observed[key] = (input: unknown) => {
      const own = model === undefined ? input : { ...record(input), model: originalModel(model) };
      return preparedStep(sdk, operation, prepareStep(own));
    };
  }
  return observed;
}

function preparedStep(sdk: Sdk, operation: AIOperation, step: unknown): unknown {
  if (isThenable(step)) return step.then((value) => preparedStep(sdk, operation, value));
  const source = record(step);
  if (source?.["model"] === undefined) return step;
  const model = resolveModel(sdk, modelKinds.language, source["model"]);
  return model === undefined ? step : { ...source, model: observedModel(operation, model) };
}
