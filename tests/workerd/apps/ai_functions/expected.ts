/** The spans one call of a function gives. */
export interface Expected {
  /** cloudflare.agents.operation.name of the invoke_agent span around the requests, where there is one. */
  readonly operation?: string;
  /** gen_ai.operation.name of a request to the provider; its span's name goes on with the model. */
  readonly request: string;
  readonly model: string;
  readonly method: string;
  readonly outputType?: string;
  /** Input, output and total tokens of one request. */
  readonly usage: readonly (number | undefined)[];
  /** Requests of a call that goes well. */
  readonly requests: number;
  readonly takesIds: boolean;
  readonly retries: boolean;
}

const defaults = { requests: 1, takesIds: true, retries: true } as const;

const chat = {
  ...defaults,
  request: "chat",
  model: "chat-1",
  outputType: "text",
  usage: [7, 3, 10],
} as const;
const generate = { ...chat, method: "doGenerate" } as const;
const stream = { ...chat, method: "doStream" } as const;

const generation = { ...defaults, request: "generate_content", method: "doGenerate" } as const;
const image = {
  ...generation,
  model: "image-1",
  outputType: "image",
  usage: [6, 9, 15],
} as const;
const speech = {
  ...generation,
  model: "speech-1",
  outputType: "speech",
  usage: [4, 8, 12],
} as const;
const transcription = {
  ...generation,
  model: "transcribe-1",
  outputType: "text",
  usage: [11, 2, 13],
} as const;
const video = {
  ...generation,
  model: "video-1",
  outputType: "video",
  usage: [undefined, undefined, undefined],
} as const;
const streamed = { method: "doStream", retries: false } as const;
const json = { outputType: "json", usage: [7, 3, 10] } as const;
const decision = { ...generation, ...json, model: "decide-1", method: "doDecide" } as const;

export const expectations: Readonly<Record<string, Expected>> = {
  generateText: { ...generate, operation: "generateText" },
  streamText: { ...stream, operation: "streamText" },
  experimental_streamTextLowMemory: { ...stream, operation: "experimental_streamTextLowMemory" },
  generateObject: { ...generate, ...json, operation: "generateObject" },
  streamObject: { ...stream, ...json, operation: "streamObject" },
  "ToolLoopAgent.generate": { ...generate, operation: "ToolLoopAgent.generate" },
  "ToolLoopAgent.stream": { ...stream, operation: "ToolLoopAgent.stream" },
  experimental_streamLanguageModelCall: { ...stream, retries: false },
  embed: {
    ...defaults,
    request: "embeddings",
    model: "embed-1",
    method: "doEmbed",
    usage: [2, undefined, 2],
  },
  embedMany: {
    ...defaults,
    request: "embeddings",
    model: "embed-1",
    method: "doEmbed",
    usage: [4, undefined, 4],
    requests: 2,
  },
  rerank: {
    ...defaults,
    request: "rerank",
    model: "rerank-1",
    method: "doRerank",
    usage: [undefined, undefined, undefined],
  },
  generateImage: image,
  experimental_generateImage: image,
  generateSpeech: speech,
  experimental_generateSpeech: speech,
  experimental_streamSpeech: { ...speech, ...streamed },
  transcribe: transcription,
  experimental_transcribe: transcription,
  experimental_streamTranscribe: { ...transcription, ...streamed },
  experimental_streamTranslate: {
    ...speech,
    ...streamed,
    model: "translate-1",
    usage: [3, 5, 8],
  },
  experimental_generateVideo: video,
  experimental_startVideo: { ...video, method: "doStart" },
  experimental_decide: decision,
  experimental_evaluate: decision,
  experimental_extract: {
    ...decision,
    model: "extract-1",
    method: "doExtract",
    takesIds: false,
  },
};
