import { isFunction, record } from "../read.ts";
import type { ModelKind } from "./model_kinds.ts";
import type { Sdk } from "./sdk.ts";

declare global {
  // The provider of string ids, where the program has set one.
  var AI_SDK_DEFAULT_PROVIDER: unknown;
}

/**
 * The model of a call, a string id resolved as the SDK does it; undefined for what has none of the methods that could
 * be observed. An id that cannot be resolved stays one: the SDK tries again and reports the error as its own.
 */
export function resolveModel(sdk: Sdk, kind: ModelKind, model: unknown): object | undefined {
  const resolved = record(typeof model === "string" ? modelOfId(sdk, kind, model) : model);
  return kind.methods.some((method) => isFunction(resolved?.[method])) ? resolved : undefined;
}

function modelOfId(sdk: Sdk, kind: ModelKind, id: string): unknown {
  const provider: unknown = globalThis.AI_SDK_DEFAULT_PROVIDER ?? sdk.namespace["gateway"];
  // The gateway is a function that has the methods of a provider.
  if (!isFunction(provider) && record(provider) === undefined) return undefined;
  const methods = provider as unknown as Readonly<Record<string, unknown>>;
  const version = methods["specificationVersion"];
  const isAdapted = sdk.isV7 && kind.isRaw !== true && version !== "v4";
  const names =
    isAdapted && version !== "v3" ? (kind.legacyFactories ?? kind.factories) : kind.factories;
  const factory = names.map((name) => methods[name]).find(isFunction);
  try {
    return factory?.call(kind.isDetached === true && !isAdapted ? undefined : provider, id);
  } catch {
    return undefined;
  }
}
