import { APICallError, isStepCount, tool } from "ai";
import { tracer } from "isotel";
import { z } from "zod";
import { scriptedModel } from "../../../../worker/model/scripted_model.ts";
import { createTools } from "../../../../worker/weather/tools.ts";
import { type Route, routes } from "../../harness/routes.ts";
import { answer, modelOf, textParts, toolCallParts, usage } from "./models.ts";
import { type SDK, sdks } from "./sdk.ts";

export { ScriptedProvider } from "../../../../worker/model/scripted_provider.ts";
export { WeatherService } from "../../../../worker/weather/weather_service.ts";

type Scenario = (sdk: SDK, url: URL, request: Request) => unknown;

const weather = (isDown = false) => ({
  model: scriptedModel(),
  tools: createTools({ isDown }),
  stopWhen: isStepCount(5),
});

const ignoreErrors = { onError: () => {} };

function retryable(): APICallError {
  return new APICallError({
    message: "a secret",
    url: "https://provider.example/",
    requestBodyValues: {},
    statusCode: 503,
    responseHeaders: { "retry-after-ms": "1" },
    isRetryable: true,
  });
}

const scenarios: Readonly<Record<string, Scenario>> = {
  generate: (sdk, url) =>
    sdk.generateText({ ...weather(), functionId: url.searchParams.get("agent") ?? "agent" }),

  generate_failing_tool: (sdk) => sdk.generateText(weather(true)),

  async generate_rejected(sdk) {
    const cause = new TypeError("a secret");
    const model = modelOf(() => Promise.reject(cause));
    try {
      await sdk.generateText({ model, maxRetries: 0 });
      return "resolved";
    } catch (error) {
      return error === cause;
    }
  },

  generate_retried: (sdk) =>
    sdk.generateText({
      model: modelOf(
        () => Promise.reject(retryable()),
        () => answer(textParts(1)),
      ),
      maxRetries: 1,
    }),

  async generate_aborted(sdk) {
    const abort = new AbortController();
    const model = modelOf(async () => {
      abort.abort();
      throw abort.signal.reason;
    });
    const error = await sdk
      .generateText({ model, abortSignal: abort.signal })
      .catch((cause: unknown) => cause);
    return error === abort.signal.reason;
  },

  // The body of a generator tool must run in its span, also after it has yielded.
  generate_generator_tool: (sdk) =>
    sdk.generateText({
      model: modelOf(
        () => answer(toolCallParts("count", {})),
        () => answer(textParts(1)),
      ),
      stopWhen: isStepCount(3),
      tools: {
        count: tool({
          inputSchema: z.object({}),
          async *execute() {
            yield await tracer.withSpan("before_yield", {}, async () => 1);
            await scheduler.wait(1);
            yield await tracer.withSpan("after_yield", {}, async () => 2);
          },
        }),
      },
    }),

  generate_parallel_tools: (sdk) => {
    const slow = (name: string, ms: number) =>
      tool({
        inputSchema: z.object({}),
        execute: async () => {
          await scheduler.wait(ms);
          return tracer.withSpan(`work_of_${name}`, {}, async () => name);
        },
      });
    const both = [...toolCallParts("slow", {}).slice(0, 2), ...toolCallParts("fast", {}).slice(1)];
    return sdk.generateText({
      model: modelOf(
        () => answer(both),
        () => answer(textParts(1)),
      ),
      stopWhen: isStepCount(3),
      tools: { slow: slow("slow", 8), fast: slow("fast", 2) },
    });
  },

  generate_nested: (sdk) =>
    sdk.generateText({
      model: modelOf(
        () => answer(toolCallParts("delegate", {})),
        () => answer(textParts(1)),
      ),
      functionId: "outer",
      stopWhen: isStepCount(3),
      tools: {
        delegate: tool({
          inputSchema: z.object({}),
          execute: async () => {
            const model = modelOf(() => answer(textParts(1)));
            return (await sdk.generateText({ model, functionId: "inner" })).text;
          },
        }),
      },
    }),

  stream: (sdk) => sdk.streamText(weather()).text,

  async stream_break(sdk) {
    const { textStream } = sdk.streamText({ model: modelOf(() => answer(textParts(20))) });
    let first = "";
    for await (const text of textStream) {
      first = text;
      break;
    }
    return first;
  },

  async stream_cancelled(sdk) {
    const { textStream } = sdk.streamText({ model: modelOf(() => answer(textParts(20))) });
    const reader = textStream.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return value;
  },

  async stream_aborted(sdk) {
    const abort = new AbortController();
    const { textStream } = sdk.streamText({
      model: modelOf(() => answer(textParts(20))),
      abortSignal: abort.signal,
      ...ignoreErrors,
    });
    let chunks = 0;
    for await (const text of textStream) {
      chunks += text === "" ? 0 : 1;
      if (chunks === 3) {
        abort.abort();
      }
    }
    return chunks < 20;
  },

  async stream_error_part(sdk) {
    const parts = textParts(4);
    parts.splice(3, 0, { type: "error", error: new RangeError("a secret") });
    const { fullStream } = sdk.streamText({
      model: modelOf(() => answer(parts)),
      ...ignoreErrors,
    });
    const types: string[] = [];
    for await (const { type } of fullStream) {
      types.push(type);
    }
    return types.includes("error");
  },

  async stream_rejected(sdk) {
    const { fullStream } = sdk.streamText({
      model: modelOf(() => Promise.reject(new TypeError("a secret"))),
      maxRetries: 0,
      ...ignoreErrors,
    });
    const types: string[] = [];
    for await (const { type } of fullStream) {
      types.push(type);
    }
    return types.includes("error");
  },

  stream_unread(sdk) {
    sdk.streamText({ model: modelOf(() => answer(textParts(20))) });
    return "unread";
  },

  stream_response: (sdk) =>
    sdk
      .streamText({ model: modelOf(async () => ({ parts: textParts(200), intervalMs: 5 })) })
      .toTextStreamResponse(),
};

function withSDK(scenario: Scenario): Route {
  return async (url, request) => {
    const sdk = sdks[url.searchParams.get("sdk") ?? "v7"];
    if (sdk === undefined) {
      throw new Error(`no such SDK: ${url.searchParams.get("sdk")}`);
    }
    const result = await scenario(sdk, url, request);
    // A Response has a `text` too.
    if (typeof result !== "object" || result === null || result instanceof Response) return result;
    return "text" in result ? result.text : result;
  };
}

export default routes({
  ...Object.fromEntries(
    Object.entries(scenarios).map(([name, scenario]) => [`/${name}`, withSDK(scenario)]),
  ),
  "/usage": () => usage,
  "/diagnostics": () => tracer.diagnostics(),
});
