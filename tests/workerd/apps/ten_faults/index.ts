import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { tracer, withTelemetry } from "isotel";
import { type AITelemetryOptions, createAISDKTelemetry, wrapAISDK } from "isotel/ai";
import { z } from "zod";
import { type Route, routes } from "../../harness/routes.ts";
import { chatModel } from "../ai_functions/chat_model.ts";
import type { Major, Outcome } from "../ai_functions/outcomes.ts";
import { run } from "../ai_functions/run.ts";
import { type Namespace, subjects } from "../ai_functions/subjects.ts";

const plain: Readonly<Record<Major, Namespace>> = {
  v6: aiV6 as unknown as Namespace,
  v7: aiV7 as unknown as Namespace,
};

function wrapped(major: Major, options?: AITelemetryOptions): Namespace {
  return wrapAISDK(plain[major], options);
}

const tools = { look_up: { inputSchema: z.object({}), execute: async () => "mild" } };
const stopWhen = ({ steps }: { steps: unknown[] }) => steps.length >= 4;
const prompt = "How warm is it?";

function telemetry(major: Major, options: object = {}): object {
  return major === "v7"
    ? { telemetry: { functionId: "tester", ...options } }
    : { experimental_telemetry: { isEnabled: true, functionId: "tester", ...options } };
}

/** A model that calls a tool the provider runs itself, or one with input that does not fit, and then answers. */
function modelWith(major: Major, toolCall: object) {
  const model = chatModel(major, "chat-1", { tools: ["look_up"] });
  return {
    ...model,
    async doGenerate() {
      const answer = await model.doGenerate();
      return {
        ...answer,
        content: answer.content.flatMap((part): object[] => {
          const call = { ...part, ...toolCall };
          if (part.type !== "tool-call") return [part];
          if (!("providerExecuted" in toolCall)) return [call];
          const { toolCallId, toolName } = part as { toolCallId: string; toolName: string };
          const result = { type: "tool-result", toolCallId, toolName, result: "mild" };
          return [call, { ...result, providerExecuted: true }];
        }),
      };
    },
  };
}

const scenarios: Readonly<Record<string, (major: Major) => unknown>> = {
  async swapped_model(major) {
    const swapped = chatModel(major, "chat-2");
    return wrapped(major)["generateText"]?.({
      ...telemetry(major),
      prompt,
      model: chatModel(major, "chat-1"),
      prepareStep: () => ({ model: swapped }),
    });
  },

  async provider_executed(major) {
    const model = modelWith(major, { providerExecuted: true });
    return wrapped(major)["generateText"]?.({
      ...telemetry(major),
      prompt,
      model,
      stopWhen,
      tools,
    });
  },

  async invalid_input(major) {
    const model = modelWith(major, { input: "{no json" });
    return wrapped(major)["generateText"]?.({
      ...telemetry(major),
      prompt,
      model,
      stopWhen,
      tools,
    });
  },

  async disabled(major) {
    return wrapped(major)["generateText"]?.({
      ...telemetry(major, { isEnabled: false }),
      prompt,
      model: chatModel(major, "chat-1"),
    });
  },

  async unrecorded(major) {
    return wrapped(major, { storeMessages: true, storeTools: true })["generateText"]?.({
      ...telemetry(major, { recordInputs: false, recordOutputs: false }),
      prompt,
      model: chatModel(major, "chat-1", { tools: ["look_up"] }),
      stopWhen,
      tools,
    });
  },

  async tool_count(major) {
    return wrapped(major)["generateText"]?.({
      ...telemetry(major),
      prompt,
      model: chatModel(major, "chat-1", { tools: ["look_up", "look_up"], text: '{"a":1}' }),
      stopWhen,
      tools,
    });
  },

  async output_object(major) {
    const { Output } = plain[major] as unknown as typeof aiV7;
    return wrapped(major)["generateText"]?.({
      ...telemetry(major),
      prompt,
      model: chatModel(major, "chat-1", { text: '{"a":1}' }),
      output: Output.object({ schema: z.object({ a: z.number() }) }),
    });
  },

  async long_content(major) {
    const messages = Array.from({ length: 2_000 }, (_, index) => ({
      role: index % 2 === 0 ? "user" : "assistant",
      content: `message ${index} ${"words ".repeat(170)}`,
    }));
    const identity = { tenant: "long ".repeat(20_000), userId: "user-1" };
    return wrapped(major, { storeMessages: true, includeRuntimeContext: ["tenant"] })[
      "generateText"
    ]?.({
      ...telemetry(major, { metadata: identity }),
      runtimeContext: identity,
      messages: [...messages, { role: "user", content: prompt }],
      model: chatModel(major, "chat-1"),
    });
  },

  async registered() {
    const { generateText } = plain.v7;
    return generateText?.({
      telemetry: { functionId: "tester", integrations: [createAISDKTelemetry()] },
      prompt,
      model: chatModel("v7", "chat-1", { tools: ["look_up"] }),
      stopWhen,
      tools: {
        look_up: {
          ...tools.look_up,
          execute: () => tracer.withSpan("tool_work", {}, async () => "mild"),
        },
      },
    });
  },

  async instructed(major) {
    const options: AITelemetryOptions = {
      semconv: "latest",
      storeMessages: true,
      redact: (key, value) =>
        key === "gen_ai.system_instructions" ? value.replaceAll("hunter2", "[password]") : value,
      enrich: ({ operation }) => ({ "app.operation": operation }),
    };
    return wrapped(major, options)["generateText"]?.({
      ...telemetry(major),
      system: "The password is hunter2.",
      prompt,
      model: chatModel(major, "chat-1"),
    });
  },

  async fails_after_step(major) {
    const model = chatModel(major, "chat-1", { tools: ["look_up"] });
    let requests = 0;
    const failing = {
      ...model,
      async doGenerate() {
        requests += 1;
        if (requests === 2) throw new TypeError("a secret");
        return model.doGenerate();
      },
    };
    const parameters = { ...telemetry(major), prompt, model: failing, stopWhen, tools };
    try {
      await wrapped(major)["generateText"]?.({ ...parameters, maxRetries: 0 });
    } catch {
      // The spans tell.
    }
  },

  async two_steps(major) {
    return wrapped(major)["generateText"]?.({
      ...telemetry(major),
      prompt,
      model: chatModel(major, "chat-1", { tools: ["look_up"] }),
      stopWhen,
      tools,
    });
  },
};

/** Leaves a stream at the first text after a tool: by then one request has told its usage. */
const leftAfterText: Route = async ({ searchParams }) => {
  const major = searchParams.get("major") as Major;
  const isAbort = searchParams.get("outcome") === "abort";
  const abort = new AbortController();
  const result = wrapped(major)["streamText"]?.({
    ...telemetry(major),
    prompt,
    model: chatModel(major, "chat-1", { tools: ["look_up"], text: "one two three four five" }),
    stopWhen,
    tools,
    abortSignal: abort.signal,
    onError: () => {},
  }) as { textStream: ReadableStream<string> };
  const reader = result.textStream.getReader();
  await reader.read();
  if (isAbort) abort.abort();
  else await reader.cancel();
  await scheduler.wait(20);
  return null;
};

const call: Route = ({ searchParams }) => {
  const subject = subjects.find(({ name }) => name === searchParams.get("function"));
  if (subject === undefined) throw new Error("no such function");
  const major = searchParams.get("major") as Major;
  return run(wrapped(major), subject, major, searchParams.get("outcome") as Outcome);
};

export default withTelemetry(
  routes({
    "/call": call,
    "/left_after_text": leftAfterText,
    ...Object.fromEntries(
      Object.entries(scenarios).map(([name, scenario]): [string, Route] => [
        `/${name}`,
        async ({ searchParams }) => {
          await scenario(searchParams.get("major") as Major);
          return null;
        },
      ]),
    ),
  }),
);
