import { Operation } from "../../core/abi.gen.ts";
import type { SpanInfo } from "../options.ts";

/** A kind of model: how the SDK makes one from an id and what a call of it is recorded as. */
export interface ModelKind {
  /** A code of `Operation`, and its first word. */
  readonly operation: number;
  readonly label: SpanInfo["operation"];
  /** gen_ai.output.type, where the operation carries it. */
  readonly outputType: string;
  /** The methods that call the provider. */
  readonly methods: readonly string[];
  /** Methods of a provider that make a model from an id, the first it has; none where the SDK takes objects only. */
  readonly factories: readonly string[];
  /** The same for a provider of specification v2, where they differ. */
  readonly legacyFactories?: readonly string[];
  /** The SDK calls the factory without its provider as `this`. */
  readonly isDetached?: boolean;
  /** v7 asks the default provider itself, not one adapted to the newest specification. */
  readonly isRaw?: boolean;
}

const generation = { operation: Operation.generateContent, label: "generate_content" } as const;

/** The kinds the SDK knows. */
export type ModelKindName =
  | "language"
  | "embedding"
  | "reranking"
  | "image"
  | "speech"
  | "transcription"
  | "translation"
  | "video"
  | "decision"
  | "extraction";

export const modelKinds: Readonly<Record<ModelKindName, ModelKind>> = {
  language: {
    operation: Operation.chat,
    label: "chat",
    outputType: "text",
    methods: ["doGenerate", "doStream"],
    factories: ["languageModel"],
  },
  embedding: {
    operation: Operation.embeddings,
    label: "embeddings",
    outputType: "",
    methods: ["doEmbed"],
    factories: ["embeddingModel"],
    legacyFactories: ["textEmbeddingModel"],
  },
  reranking: {
    operation: Operation.rerank,
    label: "rerank",
    outputType: "",
    methods: ["doRerank"],
    factories: ["rerankingModel"],
    legacyFactories: [],
    isDetached: true,
  },
  image: {
    ...generation,
    outputType: "image",
    methods: ["doGenerate"],
    factories: ["imageModel"],
  },
  speech: {
    ...generation,
    outputType: "speech",
    methods: ["doGenerate", "doStream"],
    factories: ["speechModel"],
  },
  transcription: {
    ...generation,
    outputType: "text",
    methods: ["doGenerate", "doGenerateFromUrl", "doStream"],
    factories: ["transcriptionModel"],
  },
  translation: {
    ...generation,
    outputType: "speech",
    methods: ["doStream"],
    factories: ["speechTranslationModel"],
    isDetached: true,
    isRaw: true,
  },
  video: {
    ...generation,
    outputType: "video",
    methods: ["doGenerate", "doStart", "doStatus"],
    factories: ["videoModel"],
    isDetached: true,
    isRaw: true,
  },
  decision: {
    ...generation,
    outputType: "json",
    methods: ["doDecide", "doEvaluate"],
    factories: ["decisionModel", "evaluationModel"],
    isRaw: true,
  },
  extraction: {
    ...generation,
    outputType: "json",
    methods: ["doExtract"],
    factories: [],
  },
};
