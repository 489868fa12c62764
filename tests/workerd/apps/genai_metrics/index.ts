import "isotel/metrics";
import { isStepCount } from "ai";
import { tracer, withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { scriptedModel } from "../../../../worker/model/scripted_model.ts";
import { createTools } from "../../../../worker/weather/tools.ts";
import { answer, modelOf, textParts } from "../ai_sdk/models.ts";
import { type SDK, sdks } from "../ai_sdk/sdk.ts";

export { ScriptedProvider } from "../../../../worker/model/scripted_provider.ts";
export { WeatherService } from "../../../../worker/weather/weather_service.ts";
export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
}

type Scenario = (sdk: SDK, url: URL) => unknown;

const agent = () => ({
  model: scriptedModel(),
  tools: createTools({ isDown: false }),
  stopWhen: isStepCount(5),
  functionId: "weather",
});

async function read(stream: AsyncIterable<string>, atMost: number): Promise<number> {
  let chunks = 0;
  for await (const _ of stream) {
    chunks += 1;
    if (chunks === atMost) break;
  }
  return chunks;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  generate: async (sdk) => (await sdk.generateText(agent())).text,

  stream: (sdk) => read(sdk.streamText(agent()).textStream, Number.POSITIVE_INFINITY),

  // Five pieces of text, of which so many are read.
  pieces: (sdk, url) => {
    const model = modelOf(() => answer(textParts(5)));
    const { textStream } = sdk.streamText({ model });
    return read(textStream, Number(url.searchParams.get("read") ?? 5));
  },

  fail: (sdk) => {
    const model = modelOf(() => Promise.reject(new RangeError("a secret")));
    return sdk.generateText({ model, maxRetries: 0 }).then(
      () => "fulfilled",
      (cause: unknown) => (cause as Error).name,
    );
  },
};

async function answerTo(url: URL): Promise<unknown> {
  if (url.pathname === "/traced") return tracer.withSpan("probe", {}, (span) => span.isTraced);
  if (url.pathname === "/diagnostics") return tracer.diagnostics();
  const [, major = "", name = ""] = url.pathname.split("/");
  const sdk = sdks[major];
  if (sdk === undefined) throw new Error(`no such SDK: ${major}`);
  return scenarios[name]?.(sdk, url);
}

export default withTelemetry(
  {
    async fetch(request): Promise<Response> {
      return Response.json(await answerTo(new URL(request.url)));
    },
  } satisfies ExportedHandler<Env>,
  (env: Env) => ({
    metrics: {
      aggregator: env.TELEMETRY,
      public: true,
      source: "durable-object",
      flushIntervalMs: 200,
      genAi: { prices: { "scripted-1": { input: 1, output: 4, cacheRead: 0.25 } } },
    },
  }),
);
