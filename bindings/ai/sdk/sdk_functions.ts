import { type ModelKind, modelKinds } from "../calls/model_kinds.ts";
import type { SdkFunction } from "../calls/operation.ts";

/** A function that is an operation: an invoke_agent span around its model calls and tools. */
export interface OperationFunction extends SdkFunction {
  /**
   * Whether v7 calls integrations for the model calls of this function. Otherwise the model is wrapped, as for all
   * functions of v6. generateObject and streamObject have no such hook. The low-memory variant keeps its stream in
   * memory if it has an integration.
   */
  readonly hasHooks: boolean;
  /** Whether a call is one model call, without prepareStep. */
  readonly isSingleStep?: boolean;
  /**
   * Whether its stream ends without an error if the response does not match the schema. Only `onFinish` receives the
   * error.
   */
  readonly failsAtFinish?: boolean;
  /** Whether its result can be read once, in one of several ways. Not all of them report errors and rejected tools. */
  readonly isReadOnce?: boolean;
}

/** A function that only calls a model. Each request to the provider has a span. The function has none. */
export interface ModelFunction {
  readonly name: string;
  readonly kind: ModelKind;
  /** Whether it starts work at the provider and polls until it is done. */
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
    isReadOnce: true,
  },
  {
    name: "generateObject",
    isStream: false,
    outputType: "json",
    hasHooks: false,
    isSingleStep: true,
  },
  {
    name: "streamObject",
    isStream: true,
    outputType: "json",
    hasHooks: false,
    isSingleStep: true,
    failsAtFinish: true,
    leavesAbortToModel: true,
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
