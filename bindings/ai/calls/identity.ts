import { isList, record, text } from "../../base/values.ts";
import { Abi } from "../../core/abi.gen.ts";
import type { Attributes, AttributeValue } from "../../trace/span_runtime.ts";
import type { Telemetry } from "../../trace/telemetry.ts";

/** Parameters of an SDK call. */
export type Params = Readonly<Record<PropertyKey, unknown>>;

/** A copy of the parameters that may be changed. */
export type Replaceable = Record<PropertyKey, unknown>;

/** Agent and conversation of a call. */
export interface Identity {
  readonly agentId: string | undefined;
  readonly agentName: string | undefined;
  readonly agentVersion: string | undefined;
  readonly conversationId: string | undefined;
}

/** Returns the telemetry options of a call: `telemetry` (v7) or `experimental_telemetry` (both versions). */
export function telemetryOptions(params: Params): Readonly<Record<string, unknown>> | undefined {
  return record(params["telemetry"] ?? params["experimental_telemetry"]);
}

/** Returns whether the caller has disabled telemetry for a call. */
export function isDisabled(params: Params): boolean {
  return telemetryOptions(params)?.["isEnabled"] === false;
}

/** Returns the name of the agent. Read before the call is known to be traced, because the span is opened with it. */
export function agentName(params: Params): string | undefined {
  return (
    entry(metadata(params), "agentName") ??
    entry(includableContext(params, "agentName"), "agentName") ??
    text(telemetryOptions(params)?.["functionId"])
  );
}

export function identityOf(params: Params): Identity {
  const options = telemetryOptions(params);
  const own = record(options?.["metadata"]);
  const context = runtimeContext(params);
  const included = record(options?.["includeRuntimeContext"]);
  const read = (key: string) =>
    entry(own, key) ?? (included?.[key] === false ? undefined : entry(context, key));
  return {
    agentId: read("agentId"),
    agentName: read("agentName") ?? text(options?.["functionId"]),
    agentVersion: read("agentVersion"),
    conversationId: read("conversationId"),
  };
}

/**
 * Returns the attributes that metadata and runtime context add to the operation span. All metadata (v6) is included.
 * From the runtime context, only keys that the caller or `contextKeys` includes. Metadata takes precedence.
 */
export function metadataAttributes(
  telemetry: Telemetry,
  params: Params,
  contextKeys: readonly string[],
): Attributes {
  let attributes: Attributes = {};
  const context = runtimeContext(params);
  if (context !== undefined) {
    const included = includedKeys(params);
    const keys = new Set(contextKeys.length === 0 ? included : [...included, ...contextKeys]);
    const present = [...keys].filter((key) => Object.hasOwn(context, key));
    attributes = projected(telemetry, Abi.runtimeContext, context, present);
  }
  const own = metadata(params);
  if (own === undefined) return attributes;
  return { ...attributes, ...projected(telemetry, Abi.metadata, own, Object.keys(own)) };
}

/**
 * Returns the attributes of entries. If a short key and an explicit key have the same attribute, the explicit key wins.
 */
function projected(
  telemetry: Telemetry,
  source: number,
  entries: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  const { core } = telemetry.host;
  if (core === undefined) return attributes;
  for (const key of keys) {
    const value = entries[key];
    const isListed = isList(value);
    if (!isListed && !isScalar(value)) continue;
    const name = telemetry.names.metadataKey(core, source, key);
    // Only custom keys may have lists.
    if (name === "" || (isListed && !name.endsWith(`.${key}`))) continue;
    if (name === key || !Object.hasOwn(attributes, name))
      attributes[name] = value as AttributeValue;
  }
  return attributes;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function metadata(params: Params): Readonly<Record<string, unknown>> | undefined {
  return record(telemetryOptions(params)?.["metadata"]);
}

function runtimeContext(params: Params): Readonly<Record<string, unknown>> | undefined {
  return record(params["runtimeContext"] ?? params["experimental_context"]);
}

// The identity is read even if `includeRuntimeContext` does not include it. `false` excludes it.
function includableContext(
  params: Params,
  key: string,
): Readonly<Record<string, unknown>> | undefined {
  const included = record(telemetryOptions(params)?.["includeRuntimeContext"]);
  return included?.[key] === false ? undefined : runtimeContext(params);
}

function includedKeys(params: Params): string[] {
  const included = record(telemetryOptions(params)?.["includeRuntimeContext"]);
  if (included === undefined) return [];
  if (Array.isArray(included)) return included.filter((key) => typeof key === "string");
  return Object.keys(included).filter((key) => included[key] === true);
}

const semconvKeys: Readonly<Record<string, string>> = {
  agentId: "gen_ai.agent.id",
  agentName: "gen_ai.agent.name",
  agentVersion: "gen_ai.agent.version",
  conversationId: "gen_ai.conversation.id",
};

function entry(
  source: Readonly<Record<string, unknown>> | undefined,
  key: string,
): string | undefined {
  return text(source?.[key]) ?? text(source?.[semconvKeys[key] as string]);
}

/** If a parameter has this key, the spans of the call end with its invocation at the latest. */
const boundedKey = Symbol.for("cloudflare.agents.ai-sdk.invocation-bounded");

/** The part of a call that is read before the call is known to be traced. */
export interface CallHead {
  readonly isDisabled: boolean;
  readonly isBounded: boolean;
  readonly agentName: string | undefined;
}

export function callHead(params: Params): CallHead {
  return {
    isDisabled: isDisabled(params),
    isBounded: isBounded(params),
    agentName: agentName(params),
  };
}

export function isBounded(params: Params): boolean {
  return params[boundedKey] === true;
}
