import { APICallError } from "ai";
import type { Major } from "../../apps/ai_functions/outcomes.ts";

type Part = Readonly<Record<string, unknown>>;

/** One answer of a scripted model, or the error of one request. */
export interface Step {
  readonly parts?: readonly Part[];
  readonly finish?: string;
  readonly usage?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly metadata?: object;
  /** Thrown by the request. */
  readonly error?: unknown;
  /** An error part in the middle of a stream. */
  readonly inBand?: unknown;
  /** Called when the request arrives. */
  readonly onRequest?: () => void;
  /** Never answers, until it is aborted. */
  readonly hangs?: boolean;
}

const usage = {
  inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};

export const text = (value: string): Part => ({ type: "text", text: value });

export const toolCall = (toolName: string, input: object = {}, more: object = {}): Part => ({
  type: "tool-call",
  toolCallId: `call_${toolName}`,
  toolName,
  input: JSON.stringify(input),
  ...more,
});

/** A step that calls tools. */
export const calls = (...parts: readonly Part[]): Step => ({ parts, finish: "tool-calls" });

export const answer: Step = { parts: [text("It is sunny.")] };

/** An error of the provider's HTTP API. */
export function httpError(statusCode: number, isRetryable: boolean): APICallError {
  return new APICallError({
    message: "a secret",
    url: "https://provider.example/",
    requestBodyValues: {},
    statusCode,
    responseHeaders: { "retry-after-ms": "1", "cf-aig-log-id": "log-failed" },
    responseBody: '{"error":{"code":"overloaded"}}',
    data: { error: { code: "overloaded" } },
    isRetryable,
  });
}

/** A model with one answer for each request. The last answer repeats. */
export function model(
  major: Major,
  steps: readonly Step[],
  { modelId = "model-1", provider = "openai.chat" } = {},
) {
  let requests = 0;
  const next = async (signal: AbortSignal | undefined) => {
    const step = steps[Math.min(requests, steps.length - 1)] as Step;
    requests += 1;
    await scheduler.wait(1);
    step.onRequest?.();
    if (step.error !== undefined) throw step.error;
    if (step.hangs === true) await untilAborted(signal);
    return step;
  };
  const end = (step: Step) => ({
    finishReason: { unified: step.finish ?? "stop", raw: undefined },
    usage: step.usage ?? usage,
    ...(step.metadata && { providerMetadata: step.metadata }),
  });
  return {
    specificationVersion: major === "v7" ? "v4" : "v3",
    provider,
    modelId,
    supportedUrls: { "*/*": [/^https:/] },
    async doGenerate({ abortSignal }: { abortSignal?: AbortSignal }) {
      const step = await next(abortSignal);
      const response = { id: "resp-1", modelId: `${modelId}-2026`, headers: step.headers };
      return { content: step.parts ?? [], ...end(step), response, warnings: [] };
    },
    async doStream({ abortSignal }: { abortSignal?: AbortSignal }) {
      const step = await next(abortSignal);
      const parts = (step.parts ?? []).flatMap(streamed);
      if (step.inBand !== undefined) parts.push({ type: "error", error: step.inBand });
      const rest = [
        { type: "stream-start", warnings: [] },
        { type: "response-metadata", id: "resp-1", modelId: `${modelId}-2026` },
        ...parts,
        { type: "finish", ...end(step) },
      ].values();
      const stream = new ReadableStream({
        async pull(controller) {
          await scheduler.wait(1);
          if (abortSignal?.aborted === true) {
            controller.error(abortSignal.reason);
            return;
          }
          const { done, value } = rest.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
      });
      return { stream, response: { headers: step.headers } };
    },
  };
}

/** Rejects with the reason of the signal when it aborts. */
export async function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  while (signal?.aborted !== true) await scheduler.wait(1);
  throw signal.reason;
}

function streamed(part: Part, index: number): Part[] {
  const { type, text } = part;
  if (type !== "text" && type !== "reasoning") return [part];
  const id = String(index);
  const words = String(text).split(/(?<= )/);
  return [
    { type: `${type}-start`, id },
    ...words.map((delta) => ({ type: `${type}-delta`, id, delta })),
    { type: `${type}-end`, id },
  ];
}

/** Models of the other kinds, with usage if the kind has it. */
export function otherModels(major: Major) {
  const base = (modelId: string) => ({
    specificationVersion: major === "v7" ? "v4" : "v3",
    provider: "openai.other",
    modelId,
  });
  return {
    embedding: {
      ...base("embed-1"),
      maxEmbeddingsPerCall: 2,
      supportsParallelCalls: false,
      doEmbed: async ({ values }: { values: readonly string[] }) => ({
        embeddings: values.map(() => [0.5]),
        usage: { tokens: values.length },
        warnings: [],
      }),
    },
    reranking: {
      ...base("rerank-1"),
      doRerank: async () => ({ ranking: [{ index: 0, relevanceScore: 0.9 }], warnings: [] }),
    },
    image: {
      ...base("image-1"),
      maxImagesPerCall: 1,
      doGenerate: async () => ({
        images: ["iVBORw0KGgo="],
        warnings: [],
        response: { timestamp: new Date(0), modelId: "image-1", headers: {} },
      }),
    },
  };
}

/** The provider of models that are given as strings. */
export function stringModels(major: Major): object {
  return {
    specificationVersion: major === "v7" ? "v4" : "v3",
    languageModel: (modelId: string) => model(major, [answer], { modelId }),
  };
}
