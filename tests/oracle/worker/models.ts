import { APICallError } from "ai";
import type { Log } from "../log.ts";
import type { Caller } from "./caller.ts";

type Part = Readonly<Record<string, unknown>>;

interface CallOptions {
  readonly prompt?: readonly { readonly role: string }[];
  readonly abortSignal?: AbortSignal;
}

const image =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** The content of an answer, by script and step, in the form of doGenerate. */
function contentOf({ case: { script, fn, place } }: Caller, step: number): Part[] {
  const text = { type: "text", text: "It is sunny." };
  if (place === "outputText") return [{ type: "text", text: "not JSON" }];
  if (fn === "generateObject" || fn === "streamObject" || place === "outputSchema") {
    return script === "empty" ? [] : [{ type: "text", text: '{"city":"Lisbon"}' }];
  }
  if (step > 0) return [text];
  const call = (toolName: string, more: object = {}) => ({
    type: "tool-call",
    toolCallId: `call_${toolName}`,
    toolName,
    input: place === "toolInput" || place === "repair" ? '{"city":' : '{"city":"Lisbon"}',
    ...more,
  });
  switch (script) {
    case "empty":
      return [];
    case "blocks":
      return [
        { type: "reasoning", text: "Let me think." },
        { type: "text", text: "A." },
        { type: "text", text: "B." },
        {
          type: "source",
          sourceType: "url",
          id: "s1",
          url: "https://weather.test/lisbon",
          title: "Weather",
        },
        { type: "file", mediaType: "image/png", data: image },
        { type: "reasoning", text: "One more." },
        { type: "text", text: "C." },
      ];
    case "tool":
      return [{ type: "text", text: "Let me look." }, call("weather")];
    case "tools":
      return [call("weather"), { ...call("clock"), input: '{"city":"Lisbon"}' }];
    case "clientTool":
      return [call("ask")];
    case "providerTool":
      return [
        call("search", { providerExecuted: true }),
        {
          type: "tool-result",
          toolCallId: "call_search",
          toolName: "search",
          result: { found: 1 },
          providerExecuted: true,
        },
        text,
      ];
    default:
      return [text];
  }
}

function usageOf(step: number): Part {
  return {
    inputTokens: { total: 10 + step, noCache: 8 + step, cacheRead: 2, cacheWrite: undefined },
    outputTokens: { total: 5 + step, text: 4 + step, reasoning: 1 },
  };
}

function reasonOf(content: readonly Part[]): Part {
  const calls = content.some(
    (part) => part["type"] === "tool-call" && part["providerExecuted"] !== true,
  );
  const unified = calls ? "tool-calls" : content.length === 0 ? "other" : "stop";
  return { unified, raw: unified };
}

/** The parts of a stream with this content. Blocks of text and reasoning interleave. */
function* streamParts(content: readonly Part[], step: number): Generator<Part> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "response-metadata", id: `resp_${step}`, modelId: "oracle-1-answered" };
  const blocks = content.map((part, index) => ({ part, id: String(index) }));
  const isText = ({ type }: Part) => type === "text" || type === "reasoning";
  for (let i = 0; i < blocks.length; i += 1) {
    const { part, id } = blocks[i] as (typeof blocks)[number];
    if (!isText(part)) {
      yield part;
      continue;
    }
    // Two neighbours of one type arrive interleaved.
    const next = blocks[i + 1];
    const group = [{ part, id }];
    if (next !== undefined && next.part["type"] === part["type"]) {
      group.push(next);
      i += 1;
    }
    for (const block of group) yield { type: `${block.part["type"]}-start`, id: block.id };
    const halves = group.map((block) => {
      const text = String(block.part["text"]);
      const middle = Math.ceil(text.length / 2);
      return { block, texts: [text.slice(0, middle), text.slice(middle)] };
    });
    for (const half of [0, 1]) {
      for (const { block, texts } of halves) {
        yield { type: `${block.part["type"]}-delta`, id: block.id, delta: texts[half] };
      }
    }
    for (const block of group) yield { type: `${block.part["type"]}-end`, id: block.id };
  }
  yield { type: "finish", finishReason: reasonOf(content), usage: usageOf(step) };
}

function stepOf(options: CallOptions): number {
  return options.prompt?.some(({ role }) => role === "tool") === true ? 1 : 0;
}

/** A language model of the caller. Every request and its outcome is logged. */
export function languageModel(caller: Caller, specificationVersion: string): object {
  const { log } = caller;
  let calls = 0;
  const request = async (method: string, options: CallOptions) => {
    const n = calls;
    calls += 1;
    const step = stepOf(options);
    log.add("model", "start", { n, value: { method, step } });
    options.abortSignal?.addEventListener("abort", () =>
      log.add("signal", "model told to stop", { n }),
    );
    try {
      await caller.point("request", options.abortSignal);
      await failRetryably(caller, step, options.abortSignal);
    } catch (cause) {
      log.add("model", "threw", { n, cause });
      throw cause;
    }
    return { n, step, content: contentOf(caller, step) };
  };
  return {
    specificationVersion,
    provider: "oracle.chat",
    modelId: "oracle-1",
    supportedUrls: {},
    async doGenerate(options: CallOptions) {
      const { n, step, content } = await request("doGenerate", options);
      const usage = usageOf(step);
      const finishReason = reasonOf(content);
      log.add("model", "returned", {
        n,
        value: { content, usage, finishReason: finishReason["unified"] },
      });
      const response = { id: `resp_${step}`, modelId: "oracle-1-answered", timestamp: new Date(0) };
      return { content, finishReason, usage, warnings: [], response };
    },
    async doStream(options: CallOptions) {
      const { n, step, content } = await request("doStream", options);
      return { stream: streamOf(caller, log, n, step, content, options.abortSignal) };
    },
  };
}

async function failRetryably(
  caller: Caller,
  step: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await caller.fail("request", step, signal);
  } catch (cause) {
    if (caller.case.fault !== "retryable") throw cause;
    throw new APICallError({
      message: "overloaded",
      url: "https://model.test/v1",
      requestBodyValues: {},
      statusCode: 529,
      // Otherwise the SDK waits for seconds.
      responseHeaders: { "retry-after-ms": "1" },
      isRetryable: true,
      cause,
    });
  }
}

function streamOf(
  caller: Caller,
  log: Log,
  n: number,
  step: number,
  content: readonly Part[],
  signal: AbortSignal | undefined,
): ReadableStream<Part> {
  const parts = streamParts(content, step);
  let deltas = 0;
  let isCancelled = false;
  const fail = (controller: ReadableStreamDefaultController<Part>, cause: unknown) => {
    log.add("model", "errored", { n, cause });
    controller.error(cause);
  };
  return new ReadableStream<Part>(
    {
      async pull(controller) {
        try {
          if (caller.case.obeys) signal?.throwIfAborted();
          if (deltas === 1) {
            deltas += 1;
            // As from a network, the next chunk is a separate event: the previous chunk has arrived at the caller.
            await scheduler.wait(1);
            await caller.point("first chunk", signal);
            await caller.fail("midStream", step, signal);
            if (isCancelled) return;
            if (caller.fails("inBand", step)) {
              log.add("model", "in-band error", { n, cause: log.fault });
              controller.enqueue({ type: "error", error: log.fault });
              if (caller.case.seed % 2 === 0) {
                log.add("model", "closed", { n });
                controller.close();
                return;
              }
            }
          }
          const { done, value } = parts.next();
          if (done === true) {
            log.add("model", "closed", { n });
            controller.close();
            return;
          }
          const type = String(value["type"]);
          if (deltas === 0 && type !== "stream-start" && type !== "response-metadata") {
            await caller.fail("firstChunk", step, signal);
          }
          if (isCancelled) return;
          // Every kind of output counts as a chunk, so that a stream without text has a middle chunk too.
          if (deltas === 0 && (type.endsWith("-delta") || type === "tool-call")) deltas += 1;
          log.add("model", "part", { n, value });
          controller.enqueue(value);
        } catch (cause) {
          fail(controller, cause);
        }
      },
      cancel() {
        isCancelled = true;
        log.add("model", "cancelled", { n });
      },
    },
    { highWaterMark: 0 },
  );
}

/** A model of another kind, for example of embeddings or images. */
export function otherModel(caller: Caller, specificationVersion: string): object {
  const { log } = caller;
  let calls = 0;
  const answering = (method: string, answer: object) => async (options: CallOptions) => {
    const n = calls;
    calls += 1;
    log.add("model", "start", { n, value: { method, step: 0 } });
    try {
      await caller.point("request", options.abortSignal);
      await failRetryably(caller, 0, options.abortSignal);
    } catch (cause) {
      log.add("model", "threw", { n, cause });
      throw cause;
    }
    log.add("model", "returned", { n, value: answer });
    return answer;
  };
  const response = { timestamp: new Date(0), modelId: "oracle-1-answered", headers: {} };
  const common = {
    specificationVersion,
    provider: "oracle.other",
    modelId: "oracle-1",
    maxEmbeddingsPerCall: 1,
    supportsParallelCalls: true,
    maxImagesPerCall: 1,
    maxVideosPerCall: 1,
  };
  const { fn } = caller.case;
  const answers: Readonly<Record<string, object>> = {
    embed: {
      doEmbed: answering("doEmbed", { embeddings: [[1, 2]], usage: { tokens: 3 }, warnings: [] }),
    },
    embedMany: {
      doEmbed: answering("doEmbed", { embeddings: [[1, 2]], usage: { tokens: 3 }, warnings: [] }),
    },
    rerank: {
      doRerank: answering("doRerank", {
        ranking: [{ index: 0, relevanceScore: 1 }],
        warnings: [],
        response,
      }),
    },
    generateImage: {
      doGenerate: answering("doGenerate", { images: [image], warnings: [], response }),
    },
    generateSpeech: {
      doGenerate: answering("doGenerate", {
        audio: new Uint8Array(8),
        warnings: [],
        request: {},
        response,
      }),
    },
    transcribe: {
      doGenerate: answering("doGenerate", {
        text: "It is sunny.",
        segments: [],
        language: "en",
        durationInSeconds: 1,
        warnings: [],
        request: {},
        response,
      }),
    },
    generateVideo: {
      doGenerate: answering("doGenerate", {
        videos: [{ type: "base64", data: "AAAA", mediaType: "video/mp4" }],
        warnings: [],
        response,
      }),
    },
  };
  return { ...common, ...answers[fn] };
}
