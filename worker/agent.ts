import { generateText, isStepCount, streamText } from "ai";
import { wrapAISDK } from "isotel/ai";
import type { ChatRequest } from "./chat_request.ts";
import type { Env } from "./env.ts";
import { chooseModel } from "./model/choose_model.ts";
import { createTools } from "./weather/tools.ts";

const ai = wrapAISDK({ generateText, streamText });

const chunksBeforeAbort = 10;

function settings({ prompt, scenario }: ChatRequest, env: Env) {
  return {
    model: chooseModel(env),
    instructions: "Answer questions about the weather. Give temperatures in both units.",
    prompt,
    tools: createTools({ isDown: scenario === "failing-tool" }),
    stopWhen: isStepCount(5),
    temperature: 0.2,
    telemetry: { functionId: "weather-agent" },
  };
}

export async function answer(request: ChatRequest, env: Env, signal: AbortSignal) {
  const result = await ai.generateText({ ...settings(request, env), abortSignal: signal });
  return { text: result.text, steps: result.steps.length, usage: result.totalUsage };
}

export function streamAnswer(request: ChatRequest, env: Env, signal: AbortSignal): Response {
  const abort = new AbortController();
  let chunks = 0;
  const result = ai.streamText({
    ...settings(request, env),
    abortSignal: AbortSignal.any([signal, abort.signal]),
    onChunk: ({ chunk }) => {
      chunks += chunk.type === "text-delta" ? 1 : 0;
      if (request.scenario === "abort" && chunks === chunksBeforeAbort) {
        abort.abort();
      }
    },
    onError: ({ error }) => console.error("The answer failed.", error),
  });
  // The local runtime would buffer a compressed stream until its end.
  return result.toTextStreamResponse({ headers: { "content-encoding": "identity" } });
}
