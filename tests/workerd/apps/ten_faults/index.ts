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

/** A model whose calls of tools are what `change` makes of them, streamed or not. */
function modelWith(major: Major, change: (toolCall: object) => readonly object[]) {
  const model = chatModel(major, "chat-1", { tools: ["look_up"] });
  const changed = (part: object) =>
    (part as { type: string }).type === "tool-call" ? change(part) : [part];
  return {
    ...model,
    async doGenerate() {
      const answer = await model.doGenerate();
      return { ...answer, content: answer.content.flatMap(changed) };
    },
    async doStream() {
      const { stream } = await model.doStream();
      const transform = new TransformStream<object, object>({
        transform(part, controller) {
          for (const own of changed(part)) controller.enqueue(own);
        },
      });
      return { stream: stream.pipeThrough(transform) };
    },
  };
}

/** A call of the function that the query asks for, to the end of its stream if it gives one. */
async function called(ai: Namespace, name: string | null, settings: object): Promise<void> {
  const result = await ai[name ?? "generateText"]?.(settings);
  const { consumeStream } = (result ?? {}) as { consumeStream?: () => PromiseLike<void> };
  await consumeStream?.call(result);
}

/** Calls that the SDK does not run. */
const toolCalls: Readonly<Record<string, (toolCall: object) => readonly object[]>> = {
  provider_executed: (toolCall) => [
    { ...toolCall, providerExecuted: true },
    { ...toolCall, type: "tool-result", result: "mild", providerExecuted: true },
  ],
  invalid_input: (toolCall) => [{ ...toolCall, input: "{no json" }],
  unknown_tool: (toolCall) => [toolCall],
};

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
      storeTools: true,
      redact: (key, value) =>
        key === "gen_ai.system_instructions" ? value.replaceAll("hunter2", "[password]") : value,
      enrich: ({ operation }) => ({ "app.operation": operation }),
    };
    return wrapped(major, options)["generateText"]?.({
      ...telemetry(major),
      system: "The password is hunter2.",
      prompt,
      tools,
      stopSequences: ["###"],
      model: {
        ...chatModel(major, "chat-1"),
        config: { baseURL: "https://provider.example:8443/v1?key=hunter2" },
      },
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

/** What becomes of a call of a tool that the SDK does not run. */
const notRun = (name: string): Route => {
  const change = toolCalls[name] as (typeof toolCalls)[string];
  return async ({ searchParams }) => {
    const major = searchParams.get("major") as Major;
    await called(wrapped(major), searchParams.get("function"), {
      ...telemetry(major),
      prompt,
      model: modelWith(major, change),
      stopWhen,
      tools: name === "unknown_tool" ? {} : tools,
    });
    return null;
  };
};

export default withTelemetry(
  routes({
    "/call": call,
    ...Object.fromEntries(Object.keys(toolCalls).map((name) => [`/${name}`, notRun(name)])),
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
