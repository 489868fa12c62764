import type { GenerateResult, Model, StreamPart } from "../../../../worker/model/model_types.ts";
import { scriptedModel } from "../../../../worker/model/scripted_model.ts";

export const usage: GenerateResult["usage"] = {
  inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};

/** A model whose answers are given; each call takes the next function, the last one again and again. */
export function modelOf(...answers: (() => Promise<Answer>)[]): Model {
  let calls = 0;
  const next = () => {
    const answer = answers[Math.min(calls, answers.length - 1)];
    calls += 1;
    if (answer === undefined) {
      throw new Error("The model has no answers.");
    }
    return answer();
  };
  return {
    ...scriptedModel(),
    modelId: "given-1",
    async doGenerate() {
      const { parts } = await next();
      const text = parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("");
      const calls = parts.filter((part) => part.type === "tool-call");
      const tools = parts.filter(({ type }) => type === "tool-call" || type === "tool-result");
      return {
        content: [
          ...(tools as GenerateResult["content"]),
          ...(text === "" ? [] : [{ type: "text" as const, text }]),
        ],
        finishReason: finishReason(calls.length > 0),
        usage,
        warnings: [],
      };
    },
    async doStream() {
      const { parts, onCancel, intervalMs = 1 } = await next();
      const rest = parts.values();
      const stream = new ReadableStream<StreamPart>({
        async pull(controller) {
          await scheduler.wait(intervalMs);
          const { done, value } = rest.next();
          if (done) {
            controller.close();
          } else {
            controller.enqueue(value);
          }
        },
        cancel: () => onCancel?.(),
      });
      return { stream };
    },
  };
}

export interface Answer {
  readonly parts: readonly StreamPart[];
  readonly onCancel?: () => void;
  readonly intervalMs?: number;
}

function finishReason(isCall: boolean): GenerateResult["finishReason"] {
  return isCall ? { unified: "tool-calls", raw: undefined } : { unified: "stop", raw: undefined };
}

/** The parts of a streamed text of `chunks` chunks. */
export function textParts(chunks: number): StreamPart[] {
  const deltas: StreamPart[] = Array.from({ length: chunks }, (_, index) => ({
    type: "text-delta",
    id: "0",
    delta: `chunk${index} `,
  }));
  return [
    { type: "stream-start", warnings: [] },
    { type: "text-start", id: "0" },
    ...deltas,
    { type: "text-end", id: "0" },
    { type: "finish", finishReason: finishReason(false), usage },
  ];
}

export function toolCallParts(toolName: string, input: object): StreamPart[] {
  return [
    { type: "stream-start", warnings: [] },
    { type: "tool-call", toolCallId: `call_${toolName}`, toolName, input: JSON.stringify(input) },
    { type: "finish", finishReason: finishReason(true), usage },
  ];
}

export async function answer(parts: readonly StreamPart[]): Promise<Answer> {
  return { parts };
}
