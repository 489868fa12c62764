import { isThenable } from "../trace/thenable.ts";
import type { Params } from "./identity.ts";
import { observedModel } from "./model_call.ts";
import type { AIOperation } from "./operation.ts";
import { isFunction, record } from "./read.ts";
import { observedTools } from "./tool_call.ts";

/** The part of the SDK's namespace that resolves string model ids. */
interface Namespace {
  readonly gateway?: unknown;
}

declare global {
  var AI_SDK_DEFAULT_PROVIDER: unknown;
}

/** The parameters of a v6 call with its model, its tools and the models its prepareStep swaps in observed. */
export function instrumentParams(
  operation: AIOperation,
  params: Params,
  namespace: Namespace,
): Params {
  const approvals = operation.approvals.observe(params);
  const observed: Record<PropertyKey, unknown> = {
    ...params,
    ...approvals,
    model: observe(operation, namespace, params["model"]),
  };
  const { tools } = observed;
  if (tools !== undefined) observed["tools"] = observedTools(operation, tools);
  for (const key of ["prepareStep", "experimental_prepareStep"]) {
    const prepareStep = params[key];
    if (!isFunction(prepareStep)) continue;
    observed[key] = (input: unknown) =>
      prepared(operation, namespace, prepareStep({ ...record(input), model: params["model"] }));
  }
  return observed;
}

function prepared(operation: AIOperation, namespace: Namespace, step: unknown): unknown {
  if (isThenable(step)) return step.then((value) => prepared(operation, namespace, value));
  const source = record(step);
  if (source?.["model"] === undefined) return step;
  return { ...source, model: observe(operation, namespace, source["model"]) };
}

function observe(operation: AIOperation, namespace: Namespace, model: unknown): unknown {
  const resolved = typeof model === "string" ? resolve(namespace, model) : model;
  return typeof resolved === "object" && resolved !== null
    ? observedModel(operation, resolved)
    : model;
}

/** A string id goes to the default provider, as in the SDK; it stays a string where that fails. */
function resolve(namespace: Namespace, id: string): unknown {
  const provider = record(globalThis.AI_SDK_DEFAULT_PROVIDER ?? namespace.gateway);
  const languageModel = provider?.["languageModel"];
  if (!isFunction(languageModel)) return id;
  try {
    return languageModel.call(provider, id);
  } catch {
    // The SDK resolves it again and reports the error as its own.
    return id;
  }
}
