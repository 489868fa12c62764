import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { wrapAISDK } from "isotel/ai";
import type { Model } from "../../../../worker/model/model_types.ts";

const v7 = wrapAISDK(aiV7);
const v6 = wrapAISDK(aiV6);

type Settings = Omit<Parameters<typeof v7.streamText>[0], "prompt" | "messages" | "model"> & {
  readonly model: Model;
  readonly functionId?: string;
};

/** One way to call both majors: what they name differently is translated here. */
export interface SDK {
  generateText(settings: Settings): Promise<{ readonly text: string }>;
  streamText(settings: Settings): StreamResult;
}

export interface StreamResult {
  readonly textStream: AsyncIterable<string> & ReadableStream<string>;
  readonly fullStream: AsyncIterable<{ readonly type: string }>;
  readonly text: PromiseLike<string>;
  consumeStream(): PromiseLike<void>;
  toTextStreamResponse(): Response;
}

const prompt = "What is the weather in Lisbon?";

function settingsV7({ functionId = "agent", ...settings }: Settings) {
  return { ...settings, prompt, telemetry: { functionId } };
}

// The majors agree on the shape of models and tools, not on the names of their types.
function settingsV6({ functionId = "agent", model, ...settings }: Settings) {
  return {
    ...settings,
    model: { ...model, specificationVersion: "v3" },
    prompt,
    experimental_telemetry: { isEnabled: true, functionId },
  } as unknown as Parameters<typeof v6.streamText>[0];
}

export const sdks: Readonly<Record<string, SDK>> = {
  v7: {
    generateText: (settings) => v7.generateText(settingsV7(settings) as never),
    streamText: (settings) => v7.streamText(settingsV7(settings) as never) as never,
  },
  v6: {
    generateText: (settings) => v6.generateText(settingsV6(settings) as never),
    streamText: (settings) => v6.streamText(settingsV6(settings) as never) as never,
  },
};
