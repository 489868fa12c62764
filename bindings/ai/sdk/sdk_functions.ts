import { type ModelKind, modelKinds } from "../calls/model_kinds.ts";
import type { SdkFunction } from "../calls/operation.ts";

/** A function that is an operation of its own: an invoke_agent span around the calls of its models and tools. */
export interface OperationFunction extends SdkFunction {
  /**
   * v7 tells its integrations of the model calls of this function. Of the others the model is wrapped, as is all of
   * v6's: generateObject and streamObject have no such hook, and the low-memory variant keeps what it streams as soon
   * as it has an integration.
   */
  readonly hasHooks: boolean;
  /** Its stream ends well when the answer does not fit the schema: only its `onFinish` is told. */
  readonly failsAtFinish?: boolean;
}

/** A function that calls a model and does nothing else: one span for each request to the provider, none around them. */
export interface ModelFunction {
  readonly name: string;
  readonly kind: ModelKind;
  /** It starts work at the provider and asks for it until it is done. */
  readonly awaitsResult?: boolean;
}

export const operationFunctions: readonly OperationFunction[] = [
  { name: "generateText", isStream: false, outputType: "text", hasHooks: true },
  { name: "streamText", isStream: true, outputType: "text", hasHooks: true },
  {
    name: "experimental_streamTextLowMemory",
    isStream: true,
    outputType: "text",
    hasHooks: false,
  },
  { name: "generateObject", isStream: false, outputType: "json", hasHooks: false },
  {
    name: "streamObject",
    isStream: true,
    outputType: "json",
    hasHooks: false,
    failsAtFinish: true,
  },
];

export const modelFunctions: readonly ModelFunction[] = [
  { name: "experimental_streamLanguageModelCall", kind: modelKinds.language },
  { name: "embed", kind: modelKinds.embedding },
  { name: "embedMany", kind: modelKinds.embedding },
  { name: "rerank", kind: modelKinds.reranking },
  { name: "generateImage", kind: modelKinds.image },
  { name: "experimental_generateImage", kind: modelKinds.image },
  { name: "generateSpeech", kind: modelKinds.speech },
  { name: "experimental_generateSpeech", kind: modelKinds.speech },
  { name: "experimental_streamSpeech", kind: modelKinds.speech },
  { name: "transcribe", kind: modelKinds.transcription },
  { name: "experimental_transcribe", kind: modelKinds.transcription },
  { name: "experimental_streamTranscribe", kind: modelKinds.transcription },
  { name: "experimental_streamTranslate", kind: modelKinds.translation },
  { name: "generateVideo", kind: modelKinds.video, awaitsResult: true },
  { name: "experimental_generateVideo", kind: modelKinds.video, awaitsResult: true },
  { name: "experimental_startVideo", kind: modelKinds.video },
  { name: "experimental_decide", kind: modelKinds.decision },
  { name: "experimental_evaluate", kind: modelKinds.decision },
  { name: "experimental_extract", kind: modelKinds.extraction },
];

/** Classes whose `generate` and `stream` are operations. */
export const agentClasses: readonly string[] = ["ToolLoopAgent", "Experimental_Agent"];
