import type { Control } from "./control.ts";

interface CallOptions {
  readonly abortSignal?: AbortSignal;
  readonly values?: readonly string[];
  readonly operation?: unknown;
}

const headers = { "cf-aig-log-id": "log-1" };
const audioFormat = { type: "audio/pcm", rate: 24_000 };
const text = ['{"answer"', ':"yes', '"', "}"];

const languageUsage = {
  inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};

/** Models of every kind, each doing what the control says. */
export function modelsFor(control: Control) {
  const base = (modelId: string) => ({
    specificationVersion: control.specificationVersion,
    provider: "scripted",
    modelId,
  });
  const response = (modelId: string) => ({
    timestamp: new Date(0),
    modelId: `${modelId}-2026`,
    headers,
  });
  const answer = async <T extends object>(modelId: string, result: T) => {
    await control.request();
    return { warnings: [], response: response(modelId), ...result };
  };
  const stream = async (modelId: string, signal: AbortSignal | undefined, parts: object[]) => {
    await control.request();
    return {
      response: { headers },
      stream: control.streamOf(
        [
          { type: "stream-start", warnings: [] },
          { type: "response-metadata", id: "resp-1", modelId: `${modelId}-2026`, headers },
          ...parts,
        ],
        signal,
      ),
    };
  };
  const decision = () =>
    answer("decide-1", {
      answers: { q: { type: "boolean", probability: 0.9 } },
      usage: { inputTokens: 7, outputTokens: 3 },
    });
  return {
    language: {
      ...base("chat-1"),
      supportedUrls: {},
      doGenerate: () =>
        answer("chat-1", {
          content: [{ type: "text", text: text.join("") }],
          finishReason: { unified: "stop", raw: undefined },
          usage: languageUsage,
          response: { ...response("chat-1"), id: "resp-1" },
        }),
      doStream: ({ abortSignal }: CallOptions) =>
        stream("chat-1", abortSignal, [
          { type: "text-start", id: "0" },
          ...text.map((delta) => ({ type: "text-delta", id: "0", delta })),
          { type: "text-end", id: "0" },
          {
            type: "finish",
            finishReason: { unified: "stop", raw: undefined },
            usage: languageUsage,
          },
        ]),
    },
    embedding: {
      ...base("embed-1"),
      maxEmbeddingsPerCall: 2,
      supportsParallelCalls: true,
      doEmbed: ({ values = [] }: CallOptions) =>
        answer("embed-1", {
          embeddings: values.map(() => [0.5]),
          usage: { tokens: 2 * values.length },
          response: { headers, body: { model: "embed-1-2026" } },
        }),
    },
    reranking: {
      ...base("rerank-1"),
      doRerank: () =>
        answer("rerank-1", {
          ranking: [
            { index: 1, relevanceScore: 0.9 },
            { index: 0, relevanceScore: 0.1 },
          ],
        }),
    },
    image: {
      ...base("image-1"),
      maxImagesPerCall: 2,
      doGenerate: () =>
        answer("image-1", {
          images: ["iVBORw0KGgo="],
          usage: { inputTokens: 6, outputTokens: 9, totalTokens: 15 },
        }),
    },
    speech: {
      ...base("speech-1"),
      doGenerate: () =>
        answer("speech-1", {
          audio: new Uint8Array([1, 2, 3]),
          usage: { input_tokens: 4, output_tokens: 8, total_tokens: 12 },
        }),
      doStream: ({ abortSignal }: CallOptions) =>
        stream("speech-1", abortSignal, [
          ...[1, 2, 3].map((byte) => ({
            type: "audio",
            audio: new Uint8Array([byte]),
            audioFormat,
          })),
          { type: "finish", usage: { inputTokens: 4, outputTokens: 8 } },
        ]),
    },
    transcription: {
      ...base("transcribe-1"),
      doGenerate: () =>
        answer("transcribe-1", {
          text: "hello",
          segments: [],
          language: "en",
          durationInSeconds: 1,
          usage: { input_tokens: 11, output_tokens: 2, total_tokens: 13 },
        }),
      doStream: ({ abortSignal }: CallOptions) =>
        stream("transcribe-1", abortSignal, [
          ...["he", "ll", "o"].map((delta) => ({ type: "transcript-delta", delta })),
          {
            type: "finish",
            text: "hello",
            segments: [],
            usage: { input_tokens: 11, output_tokens: 2, total_tokens: 13 },
          },
        ]),
    },
    translation: {
      ...base("translate-1"),
      doStream: ({ abortSignal }: CallOptions) =>
        stream("translate-1", abortSignal, [
          ...[1, 2, 3].map((byte) => ({
            type: "audio",
            audio: new Uint8Array([byte]),
            audioFormat,
          })),
          {
            type: "finish",
            sourceText: "hallo",
            outputText: "hello",
            usage: { inputAudioTokens: 3, outputAudioTokens: 4, outputTextTokens: 1 },
          },
        ]),
    },
    video: {
      ...base("video-1"),
      maxVideosPerCall: 1,
      doGenerate: () =>
        answer("video-1", {
          videos: [{ type: "base64", data: "AAAA", mediaType: "video/mp4" }],
        }),
      doStart: () => answer("video-1", { operation: { id: "op-1" } }),
    },
    decision: { ...base("decide-1"), supportedQuestionTypes: ["boolean"], doDecide: decision },
    extraction: {
      ...base("extract-1"),
      supportedFieldTypes: ["text"],
      doExtract: () =>
        answer("extract-1", {
          answers: { name: { type: "text", value: "Ada" } },
          usage: { inputTokens: 7, outputTokens: 3 },
        }),
    },
  };
}

export type Models = ReturnType<typeof modelsFor>;

/** A provider that has the model of every kind under any id, as `AI_SDK_DEFAULT_PROVIDER`. */
export function providerOf(control: Control, models: Models): object {
  return {
    specificationVersion: control.specificationVersion,
    languageModel: () => models.language,
    embeddingModel: () => models.embedding,
    rerankingModel: () => models.reranking,
    imageModel: () => models.image,
    speechModel: () => models.speech,
    transcriptionModel: () => models.transcription,
    speechTranslationModel: () => models.translation,
    videoModel: () => models.video,
    decisionModel: () => models.decision,
  };
}

/** The server of the SDK's gateway, whose models answer as those of the provider. */
export function gatewayOf(models: Models): typeof fetch {
  return async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    const { pathname } = new URL(request.url);
    const options = (await request.json()) as CallOptions;
    switch (pathname.split("/").at(-1)) {
      case "embedding-model":
        return Response.json(await models.embedding.doEmbed(options));
      case "reranking-model":
        return Response.json(await models.reranking.doRerank());
      case "image-model":
        return Response.json(await models.image.doGenerate());
      default:
    }
    if (request.headers.get("ai-language-model-streaming") !== "true") {
      return Response.json(await models.language.doGenerate());
    }
    const { stream } = await models.language.doStream({});
    const events = new TransformStream<object, string>({
      transform: (part, controller) => controller.enqueue(`data: ${JSON.stringify(part)}\n\n`),
    });
    const body = stream.pipeThrough(events).pipeThrough(new TextEncoderStream());
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
}
