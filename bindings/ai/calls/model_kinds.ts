import { Operation } from "../../core/abi.gen.ts";
import type { SpanInfo } from "../options.ts";

/** A kind of model: how the SDK makes one from an id, and how its calls are recorded. */
export interface ModelKind {
  /** A code of `Operation`. Its first word is `label`. */
  readonly operation: number;
  readonly label: SpanInfo["operation"];
  /** The value of gen_ai.output.type, if the operation has one. */
  readonly outputType: string;
  /** Names of the methods that call the provider. */
  readonly methods: readonly string[];
  /**
   * Provider methods that make a model from an id. The first one that exists is used. Empty if the SDK accepts model
   * objects only.
   */
  readonly factories: readonly string[];
  /** Factories of a provider of specification v2. Default: `factories`. */
  readonly legacyFactories?: readonly string[];
  /** Whether the SDK calls the factory without the provider as `this`. */
  readonly isDetached?: boolean;
  /** Whether v7 uses the default provider directly instead of adapting it to the newest specification. */
  readonly isRaw?: boolean;
}

const generation = { operation: Operation.generateContent, label: "generate_content" } as const;

/** The kinds of models in the SDK. */
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
