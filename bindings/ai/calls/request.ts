import { Field } from "../../core/abi.gen.ts";
import type { FieldSet } from "../../core/field_set.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { record, text } from "../read.ts";
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
export function addCall(fields: FieldSet, sdkOperation: string, identity: Identity): void {
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
  fields: FieldSet,
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
