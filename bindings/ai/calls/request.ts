import { isFunction, ownValue, record, text } from "../../base/values.ts";
import { Field, Profile } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Identity } from "./identity.ts";

/** The model of a call. */
export interface ModelInfo {
  readonly modelId: string | undefined;
  /** The SDK's identifier, such as `openai.chat`. */
  readonly provider: string | undefined;
}

/** Reads a model: an object, or the id of a gateway model. */
export function modelInfo(model: unknown): ModelInfo {
  if (typeof model === "string") return { modelId: text(model), provider: undefined };
  const source = record(model);
  return { modelId: text(source?.["modelId"]), provider: text(source?.["provider"]) };
}

/** Adds the attributes of all AI SDK spans to the start fields. */
export function addCall(fields: SpanFields, sdkOperation: string, identity: Identity): void {
  fields
    .text(Field.integrationName, "ai-sdk")
    .text(Field.sdkOperationName, sdkOperation)
    .text(Field.agentId, identity.agentId)
    .text(Field.agentName, identity.agentName)
    .text(Field.agentVersion, identity.agentVersion)
    .text(Field.conversationId, identity.conversationId);
}

/**
 * Adds a model request to the start fields.
 *
 * @param settings The parameters of the call.
 */
export function addRequest(
  fields: SpanFields,
  telemetry: Telemetry,
  model: ModelInfo,
  settings: Readonly<Record<string, unknown>>,
  request: { readonly stream: boolean; readonly outputType: string },
): void {
  const { core } = telemetry.host;
  const { reasoning } = settings;
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
    .verbatim(Field.reasoningLevel, reasoning === "provider-default" ? undefined : text(reasoning))
    .texts(Field.stopSequences, settings["stopSequences"]);
}

const defaultPorts: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 };

/**
 * Adds host and port of the model's provider to the start fields, and nothing else of its URL. Models of provider
 * packages have the URL in `config`; for other models it is unknown. The profile "agents" has no attributes for it.
 */
export function addServer(fields: SpanFields, profile: number, model: unknown): void {
  if (profile !== Profile.latest) return;
  const url = baseUrl(model);
  const port = url && (url.port === "" ? defaultPorts[url.protocol] : Number(url.port));
  // In a URL, an IPv6 address has brackets.
  fields
    .text(Field.serverAddress, url?.hostname.replace(/^\[(.*)\]$/, "$1"))
    .number(Field.serverPort, port);
}

/**
 * Returns `baseURL` of the model's config, which is a text or a function. Otherwise returns what `url` of the config
 * returns for an empty path.
 */
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
    // A setting is missing or not a URL. The request will report it.
    return undefined;
  }
}
