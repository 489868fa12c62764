import { z } from "zod";
import type { Control } from "./control.ts";
import type { Models } from "./models.ts";
import type { Major } from "./outcomes.ts";

/** A namespace of the SDK, of either major, wrapped or not. */
export type Namespace = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** What all calls of one run have in common. */
export interface Common {
  readonly control: Control;
  /** Parameters every function takes: signal, retries, telemetry. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The model of a kind, or its id. */
  model(kind: keyof Models): unknown;
}

/** One export of the SDK and how to call it. */
export interface Subject {
  readonly name: string;
  readonly majors: readonly Major[];
  call(ai: Namespace, common: Common): unknown;
  /** The stream to read of what `call` gave, for the functions that stream. */
  stream?(result: never): AsyncIterable<unknown> & ReadableStream<unknown>;
}

const both: readonly Major[] = ["v6", "v7"];
const v7: readonly Major[] = ["v7"];
const v6: readonly Major[] = ["v6"];

type Streams = Readonly<Record<string, AsyncIterable<unknown> & ReadableStream<unknown>>>;
const streamNamed = (name: string) => (result: Streams) => result[name] as never;

const prompt = "Is it so?";
const schema = z.object({ answer: z.string() });
const audio = new Uint8Array([82, 73, 70, 70]);
const audioStream = () =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(audio);
      controller.close();
    },
  });
const inputAudioFormat = { type: "audio/pcm", rate: 16_000 };

/** A subject that takes one object of parameters beside the model. */
function plain(
  name: string,
  majors: readonly Major[],
  kind: keyof Models,
  parameters: () => object,
  stream?: Subject["stream"],
): Subject {
  return {
    name,
    majors,
    call: (ai, common) =>
      (ai[name] as Namespace[string])({
        ...common.parameters,
        ...parameters(),
        model: common.model(kind),
      }),
    ...(stream && { stream }),
  };
}

function agent(method: string, stream?: Subject["stream"]): Subject {
  return {
    name: `ToolLoopAgent.${method}`,
    majors: both,
    call(ai, common) {
      const { abortSignal, ...settings } = common.parameters;
      const Agent = ai["ToolLoopAgent"] as unknown as new (settings: object) => Namespace;
      const instance = new Agent({ ...settings, id: "tester-id", model: common.model("language") });
      return instance[method]?.({ prompt, abortSignal });
    },
    ...(stream && { stream }),
  };
}

export const subjects: readonly Subject[] = [
  plain("generateText", both, "language", () => ({ prompt })),
  plain("streamText", both, "language", () => ({ prompt }), streamNamed("fullStream")),
  plain(
    "experimental_streamTextLowMemory",
    v7,
    "language",
    () => ({ prompt }),
    streamNamed("fullStream"),
  ),
  plain("generateObject", both, "language", () => ({ prompt, schema })),
  plain("streamObject", both, "language", () => ({ prompt, schema }), streamNamed("fullStream")),
  agent("generate"),
  agent("stream", streamNamed("fullStream")),
  plain(
    "experimental_streamLanguageModelCall",
    v7,
    "language",
    () => ({ prompt }),
    streamNamed("stream"),
  ),
  plain("embed", both, "embedding", () => ({ value: "a" })),
  plain("embedMany", both, "embedding", () => ({ values: ["a", "b", "c", "d"] })),
  plain("rerank", both, "reranking", () => ({ documents: ["a", "b"], query: "b", topN: 2 })),
  plain("generateImage", both, "image", () => ({ prompt, n: 2 })),
  plain("experimental_generateImage", v6, "image", () => ({ prompt, n: 2 })),
  plain("generateSpeech", v7, "speech", () => ({ text: "hello" })),
  plain("experimental_generateSpeech", both, "speech", () => ({ text: "hello" })),
  plain(
    "experimental_streamSpeech",
    v7,
    "speech",
    () => ({ text: "hello" }),
    streamNamed("fullStream"),
  ),
  plain("transcribe", v7, "transcription", () => ({ audio })),
  plain("experimental_transcribe", both, "transcription", () => ({ audio })),
  plain(
    "experimental_streamTranscribe",
    v7,
    "transcription",
    () => ({ audio: audioStream(), inputAudioFormat }),
    streamNamed("fullStream"),
  ),
  plain(
    "experimental_streamTranslate",
    v7,
    "translation",
    () => ({ audio: audioStream(), inputAudioFormat, targetLanguage: "en" }),
    streamNamed("fullStream"),
  ),
  plain("experimental_generateVideo", both, "video", () => ({ prompt })),
  plain("experimental_startVideo", v7, "video", () => ({ prompt })),
  ...["experimental_decide", "experimental_evaluate"].map((name) =>
    plain(name, v7, "decision", () => ({
      state: "It is so.",
      questions: { q: { type: "boolean", instructions: prompt } },
    })),
  ),
  plain("experimental_extract", v7, "extraction", () => ({
    state: "Ada",
    fields: { name: { type: "text" } },
  })),
];

const textFunction =
  /^(generateText|streamText|experimental_streamTextLowMemory|ToolLoopAgent\..*)$/;
const gatewayFunction = /^(generateObject|streamObject|embed|embedMany|rerank|generateImage)$/;

/** Whether a function is called with ids of the SDK's gateway, and whether isotel needs the gateway to trace them. */
export function takesGateway({ name }: Subject): "alone" | "with gateway" | undefined {
  if (textFunction.test(name)) return "alone";
  return gatewayFunction.test(name) ? "with gateway" : undefined;
}
