import { withInvocationScope } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { z } from "zod";
import { agentScenarios, telemetry } from "./agent_scenarios.ts";
import { chatModel, chatModelV2 } from "./chat_model.ts";
import { Control } from "./control.ts";
import { modelsFor } from "./models.ts";
import type { Major } from "./outcomes.ts";
import type { Namespace } from "./subjects.ts";
import { videoScenarios } from "./video_scenarios.ts";

export type Scenario = (ai: Namespace, major: Major, plain: Namespace) => unknown;

const prompt = "Go.";
const schema = z.object({ answer: z.string() });
const models = (major: Major) => modelsFor(new Control(major, "success", false));
const call = <T>(ai: Namespace, name: string, parameters: object) =>
  (ai[name] as (parameters: object) => T)(parameters);

/** What a call comes to, for the plain and the wrapped function to be compared. */
async function ending(start: () => unknown): Promise<unknown> {
  try {
    await start();
    return "fulfilled";
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}

const steps = (ai: Namespace, count: number) =>
  (ai["isStepCount"] ?? ai["stepCountIs"])?.(count as never);

const scenariosOfFunctions: Readonly<Record<string, Scenario>> = {
  namespace(ai, _major, plain) {
    const names = Object.keys(plain);
    return {
      hasAll: names.every((name) => name in ai),
      tool: ai["tool"] === plain["tool"],
      error: ai["APICallError"] === plain["APICallError"],
      output: ai["Output"] === plain["Output"],
      isSame: wrapAISDK(plain)["generateText"] === ai["generateText"],
      isOnce: wrapAISDK(ai, {})["generateText"] === ai["generateText"],
      isWrapped: ai["embed"] !== plain["embed"],
      names: names.filter((name) => nameAndLength(ai[name]) !== nameAndLength(plain[name])),
    };
  },

  async prepare_step(ai, major, plain) {
    const functions = ["generateText", "streamText"];
    if (major === "v7") functions.push("experimental_streamTextLowMemory");
    const seen: unknown[] = [];
    for (const name of functions) {
      for (const namespace of [plain, ai]) {
        const model = chatModel(major, "chat-1", { tools: ["look"] });
        const result = call<{ textStream?: AsyncIterable<string> }>(namespace, name, {
          ...telemetry(major, name),
          prompt,
          model,
          stopWhen: steps(ai, 3),
          tools: { look: { inputSchema: z.object({}), execute: async () => "seen" } },
          prepareStep: (step: { stepNumber: number; model: unknown }) => {
            if (namespace === ai) seen.push(step.model === model);
            if (step.stepNumber === 0) return {};
            return { model: chatModel(major, "chat-2") };
          },
        });
        if (name === "generateText") await result;
        else for await (const _ of result.textStream as AsyncIterable<string>);
      }
    }
    return seen;
  },

  async hooks(_ai, major, plain) {
    const ai = wrapAISDK(plain, {
      enrich: ({ operation, model }) => ({ "app.span": `${operation} of ${model}` }),
      redact: (key, value) => (key === "gen_ai.request.model" ? "hidden" : value),
    });
    await call(ai, "embed", { model: models(major).embedding, value: "a" });
    return "done";
  },

  async middleware(ai, major) {
    const model = call(ai, "wrapLanguageModel", {
      model: chatModel(major, "chat-1"),
      middleware: { wrapGenerate: ({ doGenerate }: { doGenerate(): unknown }) => doGenerate() },
    });
    return (await call<Promise<{ text: string }>>(ai, "generateText", { prompt, model })).text;
  },

  async embed_in_tool(ai, major) {
    const { embedding } = models(major);
    const result = await call<Promise<{ text: string }>>(ai, "generateText", {
      prompt,
      model: chatModel(major, "chat-1", { tools: ["search"] }),
      stopWhen: steps(ai, 3),
      tools: {
        search: {
          inputSchema: z.object({}),
          execute: async () => {
            await call(ai, "embed", { model: embedding, value: "a" });
            return "found";
          },
        },
      },
    });
    return result.text;
  },

  async embed_after_operation(ai, major) {
    const { embedding } = models(major);
    await call(ai, "generateText", {
      prompt,
      model: chatModel(major, "chat-1"),
      [major === "v7" ? "onEnd" : "onFinish"]: () =>
        void scheduler.wait(5).then(() => call(ai, "embed", { model: embedding, value: "a" })),
    });
    await scheduler.wait(30);
    return "done";
  },

  async frozen_models(ai, major) {
    const { embedding } = models(major);
    const model = Object.freeze(chatModel(major, "chat-1"));
    const { text } = await call<Promise<{ text: string }>>(ai, "generateText", { prompt, model });
    const frozen = Object.freeze(embedding);
    const { usage } = await call<Promise<{ usage: object }>>(ai, "embed", {
      model: frozen,
      value: "a",
    });
    return [text, usage];
  },

  async private_members(ai, major) {
    const { embedding } = models(major);
    class Embedder {
      readonly specificationVersion = embedding.specificationVersion;
      readonly provider = "scripted";
      readonly modelId = "embed-1";
      #calls = 0;
      get maxEmbeddingsPerCall() {
        return this.#calls + 1;
      }
      get supportsParallelCalls() {
        return false;
      }
      doEmbed(options: { values: string[] }) {
        this.#calls += 1;
        return embedding.doEmbed(options);
      }
    }
    const model = new Embedder();
    const values = ["a", "b"];
    const result = await call<Promise<{ embeddings: unknown[] }>>(ai, "embedMany", {
      model,
      values,
    });
    return result.embeddings.length;
  },

  async model_of_v2(ai, major) {
    const result = await call<Promise<{ text: string }>>(ai, "generateText", {
      prompt,
      model: chatModelV2("chat-1"),
      prepareStep: ({ model }: { model: unknown }) => ({ model }),
    });
    const { embedding } = models(major);
    globalThis.AI_SDK_DEFAULT_PROVIDER = {
      languageModel: () => chatModelV2("chat-2"),
      [major === "v7" ? "textEmbeddingModel" : "embeddingModel"]: () => embedding,
    } as never;
    try {
      await ending(() =>
        call(ai, "generateObject", { prompt, model: "chat-2", output: "no-schema" }),
      );
      await call(ai, "embed", { model: "embed-1", value: "a" });
    } finally {
      globalThis.AI_SDK_DEFAULT_PROVIDER = undefined;
    }
    return result.text;
  },

  async unresolvable_ids(ai, major, plain) {
    const { reranking } = models(major);
    class ByThis {
      readonly specificationVersion = major === "v7" ? "v4" : "v3";
      readonly model = reranking;
      rerankingModel() {
        return this.model;
      }
    }
    const providers = [new ByThis(), {}, { embeddingModel: () => undefined }];
    const calls: [string, object][] = [
      ["rerank", { documents: ["a"], query: "b" }],
      ["embed", { value: "a" }],
      ["generateText", { prompt }],
      ["generateObject", { prompt, schema }],
    ];
    if (major === "v7") {
      calls.push(["experimental_streamSpeech", { text: "a" }]);
      calls.push(["experimental_decide", { state: "s", questions: { q: { type: "boolean" } } }]);
    }
    const endings: unknown[] = [];
    for (const provider of providers) {
      for (const [name, parameters] of calls) {
        for (const namespace of [plain, ai]) {
          globalThis.AI_SDK_DEFAULT_PROVIDER = provider as never;
          endings.push(
            await ending(() => call(namespace, name, { ...parameters, model: "m", maxRetries: 0 })),
          );
        }
      }
    }
    globalThis.AI_SDK_DEFAULT_PROVIDER = undefined;
    return endings;
  },

  async unfitting_object(ai, major) {
    const model = chatModel(major, "chat-1", { text: "no json" });
    const generated = await ending(() => call(ai, "generateObject", { model, prompt, schema }));
    const finished: unknown[] = [];
    const { partialObjectStream, object } = call<{
      partialObjectStream: AsyncIterable<unknown>;
      object: Promise<unknown>;
    }>(ai, "streamObject", {
      model,
      prompt,
      schema,
      onFinish: ({ error }: { error: Error }) => finished.push(error.name),
    });
    const streamed = ending(() => object);
    for await (const _ of partialObjectStream);
    return [generated, await streamed, finished];
  },

  low_memory_response(ai, major) {
    const model = chatModel(major, "chat-1", { text: "one two three" });
    return call<{ toTextStreamResponse(): Response }>(ai, "experimental_streamTextLowMemory", {
      model,
      prompt,
    }).toTextStreamResponse();
  },

  low_memory_slow(ai, major) {
    const model = chatModel(major, "chat-1", { text: "a ".repeat(2_000) });
    return call<{ toUIMessageStreamResponse(): Response }>(ai, "experimental_streamTextLowMemory", {
      model,
      prompt,
    }).toUIMessageStreamResponse();
  },

  async low_memory_claims(ai, major, plain) {
    const endings: unknown[] = [];
    for (const namespace of [plain, ai]) {
      const result = call<Record<string, AsyncIterable<unknown>>>(
        namespace,
        "experimental_streamTextLowMemory",
        { model: chatModel(major, "chat-1"), prompt },
      );
      const { totalUsage, textStream } = result;
      for await (const _ of textStream as AsyncIterable<unknown>);
      endings.push(await totalUsage, await ending(() => result["fullStream"]));
    }
    return endings;
  },

  unread_in_scope: (ai, major) =>
    withInvocationScope(async () => {
      const common = { model: models(major).speech, text: "a" };
      call(ai, "experimental_streamSpeech", { ...common, ...telemetry(major, "unread") });
      const { language } = models(major);
      const settings = { model: language, prompt };
      await call(ai, "experimental_streamLanguageModelCall", {
        ...settings,
        ...telemetry(major, "unread"),
      });
      const read = call<{ fullStream: AsyncIterable<unknown> }>(ai, "experimental_streamSpeech", {
        ...common,
        ...telemetry(major, "read"),
      });
      await read.fullStream[Symbol.asyncIterator]().next();
      return "done";
    }),

  async low_memory_drained(ai, major) {
    const result = call<{ consumeStream(): Promise<void>; totalUsage: Promise<unknown> }>(
      ai,
      "experimental_streamTextLowMemory",
      { model: chatModel(major, "chat-1"), prompt },
    );
    await result.consumeStream();
    return result.totalUsage;
  },
};

function nameAndLength(value: unknown): string {
  return typeof value === "function" ? `${value.name}/${value.length}` : "";
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...scenariosOfFunctions,
  ...agentScenarios,
  ...videoScenarios,
};
