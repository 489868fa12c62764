import * as ai from "ai";
import { wrapAISDK } from "isotel/ai";
import type { Model } from "../../../../worker/model/model_types.ts";
import { answer, modelOf, textParts } from "../ai_sdk/models.ts";

const { streamText } = wrapAISDK(ai);

/** A call's span ends with the body of its scope when its parameters carry this. */
export const boundedKey = Symbol.for("cloudflare.agents.ai-sdk.invocation-bounded");

export type Stream = ReturnType<typeof streamText>;

export interface StreamOptions {
  readonly model?: Model;
  readonly chunks?: number;
  readonly settings?: object;
}

/** Starts a stream; what becomes of it is the caller's affair. */
export function startStream(
  agent: string,
  {
    chunks = 5,
    model = modelOf(() => answer(textParts(chunks))),
    settings = {},
  }: StreamOptions = {},
): Stream {
  return streamText({
    model,
    prompt: "a secret",
    telemetry: { functionId: agent },
    onError: () => {},
    ...settings,
  });
}
