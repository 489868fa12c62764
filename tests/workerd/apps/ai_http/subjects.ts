import type { createOpenAI } from "@ai-sdk/openai";
import { z } from "zod";
import type { Api, Major } from "../../http_provider/scripts.ts";

/** A namespace of the SDK, of either major, wrapped or not. */
export type Namespace = Readonly<Record<string, (...args: unknown[]) => unknown>>;
export type OpenAI = ReturnType<typeof createOpenAI>;
export type Readable = AsyncIterable<unknown> & ReadableStream<unknown>;

export interface Call {
  readonly ai: Namespace;
  readonly provider: OpenAI;
  readonly api: Api;
  readonly toolUrl: string;
  /** Parameters every function takes: signal, retries, telemetry. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Subject {
  readonly name: string;
  readonly majors: readonly Major[];
  readonly apis: readonly Api[];
  call(call: Call): unknown;
  /** The stream to read of what `call` gave, for the functions that stream. */
  readonly stream?: (result: never) => Readable;
}

const both: readonly Major[] = ["v6", "v7"];
const languageApis: readonly Api[] = ["responses", "chat"];
const otherApis: readonly Api[] = ["responses"];
const fullStream = (result: { readonly fullStream: Readable }) => result.fullStream;

const prompt = "How warm is it in Lisbon?";
const schema = z.object({ answer: z.string() });
export const modelId = "gpt-4o-mini";

function model({ provider, api }: Call): unknown {
  return api === "chat" ? provider.chat(modelId) : provider(modelId);
}

function tools({ toolUrl }: Call) {
  return {
    look_up: {
      description: "Looks up the weather.",
      inputSchema: z.object({ city: z.string() }),
      execute: async () => {
        const response = await fetch(toolUrl);
        return await response.json();
      },
    },
  };
}

function withTools(name: string, stream?: Subject["stream"]): Subject {
  return {
    name,
    majors: both,
    apis: languageApis,
    call: (call) =>
      call.ai[name]?.({
        ...call.parameters,
        prompt,
        model: model(call),
        tools: tools(call),
        stopWhen: ({ steps }: { steps: unknown[] }) => steps.length >= 3,
      }),
    ...(stream && { stream }),
  };
}

function ofObject(name: string, stream?: Subject["stream"]): Subject {
  return {
    name,
    majors: both,
    apis: languageApis,
    call: (call) => call.ai[name]?.({ ...call.parameters, prompt, schema, model: model(call) }),
    ...(stream && { stream }),
  };
}

function ofAgent(method: string, stream?: Subject["stream"]): Subject {
  return {
    name: `ToolLoopAgent.${method}`,
    majors: both,
    apis: languageApis,
    call(call) {
      const { abortSignal, ...settings } = call.parameters;
      const Agent = call.ai["ToolLoopAgent"] as unknown as new (settings: object) => Namespace;
      const agent = new Agent({ ...settings, model: model(call), tools: tools(call) });
      return agent[method]?.({ prompt, abortSignal });
    },
    ...(stream && { stream }),
  };
}

function ofModel(
  name: string,
  majors: readonly Major[],
  parameters: (provider: OpenAI) => object,
): Subject {
  return {
    name,
    majors,
    apis: otherApis,
    call: ({ ai, provider, parameters: common }) =>
      ai[name]?.({ ...common, ...parameters(provider) }),
  };
}

const speech = (provider: OpenAI) => ({
  model: provider.speech("gpt-4o-mini-tts"),
  text: "hello",
  voice: "alloy",
});
const transcription = (provider: OpenAI) => ({
  model: provider.transcription("gpt-4o-mini-transcribe"),
  audio: new Uint8Array([82, 73, 70, 70, 0, 0, 0, 0, 87, 65, 86, 69]),
});

export const subjects: readonly Subject[] = [
  withTools("generateText"),
  withTools("streamText", fullStream),
  ofObject("generateObject"),
  ofObject("streamObject", fullStream),
  ofAgent("generate"),
  ofAgent("stream", fullStream),
  ofModel("embed", both, (provider) => ({
    model: provider.embedding("text-embedding-3-small"),
    value: "a",
  })),
  ofModel("embedMany", both, (provider) => ({
    model: provider.embedding("text-embedding-3-small"),
    values: ["a", "b", "c"],
  })),
  ofModel("generateImage", both, (provider) => ({ model: provider.image("gpt-image-1"), prompt })),
  ofModel("experimental_generateSpeech", ["v6"], speech),
  ofModel("generateSpeech", ["v7"], speech),
  ofModel("experimental_transcribe", ["v6"], transcription),
  ofModel("transcribe", ["v7"], transcription),
];
