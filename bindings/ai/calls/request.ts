import { isFunction, ownValue, record, text } from "../../base/values.ts";
import { Field, Profile } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Identity } from "./identity.ts";

/** Which model a call goes to. */
export interface ModelInfo {
  readonly modelId: string | undefined;
  /** The SDK's identifier, e.g. `openai.chat`. */
  readonly provider: string | undefined;
}

/** Reads a model: an object, or the string id of a gateway's model. */
export function modelInfo(model: unknown): ModelInfo {
  if (typeof model === "string") return { modelId: text(model), provider: undefined };
  const source = record(model);
  return { modelId: text(source?.["modelId"]), provider: text(source?.["provider"]) };
}

/** Puts what all AI SDK spans carry into the start fields. */
export function addCall(fields: SpanFields, sdkOperation: string, identity: Identity): void {
  fields
    .text(Field.integrationName, "ai-sdk")
    .text(Field.sdkOperationName, sdkOperation)
    .text(Field.agentId, identity.agentId)
    .text(Field.agentName, identity.agentName)
    .text(Field.agentVersion, identity.agentVersion)
    .text(Field.conversationId, identity.conversationId);
}

/** Puts a model request into the start fields. `settings` are the parameters of the call. */
export function addRequest(
  fields: SpanFields,
  telemetry: Telemetry,
  model: ModelInfo,
  settings: Readonly<Record<string, unknown>>,
  request: { readonly stream: boolean; readonly outputType: string },
): void {
  const { core } = telemetry.host;
  if (core !== undefined && model.provider !== undefined) {
    fields.text(Field.providerName, telemetry.names.provider(core, model.provider));
  }
  fields
    .text(Field.requestModel, model.modelId)
    .text(Field.outputType, request.outputType)
    .flag(Field.stream, request.stream)
    .number(Field.maxTokens, settings["maxOutputTokens"] ?? settings["maxTokens"])
    .number(Field.temperature, settings["temperature"])
    .number(Field.topP, settings["topP"])
    .number(Field.topK, settings["topK"])
    .number(Field.frequencyPenalty, settings["frequencyPenalty"])
    .number(Field.presencePenalty, settings["presencePenalty"])
    .number(Field.seed, settings["seed"])
    .texts(Field.stopSequences, settings["stopSequences"]);
}

const defaultPorts: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 };

/**
 * Puts host and port of a model's provider into the start fields, nothing else of its URL. Models of provider packages
 * keep it in their `config`; of any other it is not known. Profile agents has no names for it.
 */
export function addServer(fields: SpanFields, profile: number, model: unknown): void {
  if (profile !== Profile.latest) return;
  const url = baseUrl(model);
  const port = url && (url.port === "" ? defaultPorts[url.protocol] : Number(url.port));
  // An address of version 6 is written in brackets in a URL only.
  fields
    .text(Field.serverAddress, url?.hostname.replace(/^\[(.*)\]$/, "$1"))
    .number(Field.serverPort, port);
}

/** `baseURL` of a model's config, a text or what gives one, or else what its `url` makes of an empty path. */
function baseUrl(model: unknown): URL | undefined {
  const config = ownValue(model, "config");
  const base = ownValue(config, "baseURL") ?? ownValue(config, "baseUrl");
  const url = ownValue(config, "url");
  try {
    if (typeof base === "string") return new URL(base);
    if (isFunction(base)) return new URL(String(base.call(config)));
    if (!isFunction(url)) return undefined;
    return new URL(
      String(url.call(config, { path: "", modelId: text(ownValue(model, "modelId")) })),
    );
  } catch {
    // A setting that is missing, or no URL: the request will tell.
    return undefined;
  }
}
