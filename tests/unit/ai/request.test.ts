import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError } from "@ai-sdk/provider";
import { createGateway } from "ai";
import { createOpenAI as createOpenAIV6 } from "ai-sdk-openai-v6";
import * as aiV6 from "ai-v6";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import {
  type Sdk,
  sdks,
  textAnswer,
  textParts,
  toolAnswer,
  toolParts,
  wrapped,
} from "../support/ai_sdk.ts";
import { untouchable, withThrowingGetter } from "../support/hostile.ts";
import { outcomeOf } from "../support/outcome.ts";
import { allEnded, attributesOf, recording } from "../support/tracing.ts";

type Params = Readonly<Record<string, unknown>>;

const [v7, v6] = sdks as [Sdk, Sdk];
const latest: AITelemetryOptions = { semconv: "latest" };

/** The attributes of the operation and of its chat span. */
async function traced(
  sdk: Sdk,
  way: "generateText" | "streamText",
  params: Params,
  options: AITelemetryOptions = latest,
) {
  const tracing = recording();
  const functions = wrapped(tracing.telemetry, sdk, options);
  const parameters = { prompt: "p", maxRetries: 0, onError: () => {}, ...params };
  if (way === "generateText") await outcomeOf(() => functions.generateText(parameters));
  else await outcomeOf(() => Promise.resolve(functions.streamText(parameters).consumeStream()));
  assert.equal(tracing.count("swallowed_errors"), 0);
  const [operation, chat] = tracing.runtime.spans;
  return { operation: attributesOf(operation), chat: attributesOf(chat) };
}

const answering = (sdk: Sdk) =>
  sdk.model({ generate: [textAnswer()], stream: [textParts("Hello")] });

/** What the model does at one attempt. Only a stream of v7 that breaks is retried. */
type Attempt = "fail" | "break" | "call a tool";

const busy = () => {
  throw new APICallError({
    message: "busy",
    url: "http://x.test",
    requestBodyValues: {},
    statusCode: 503,
    responseHeaders: { "retry-after-ms": "0" },
    isRetryable: true,
  });
};

/** Parts of a stream that begins and then reports an error. */
const broken = () => [
  ...toolParts("look")().slice(0, 2),
  { type: "error", error: { type: "overloaded_error", message: "busy" } },
];

test("the reasoning level of ai v7 is recorded if the call sets one", async () => {
  for (const [reasoning, expected] of [
    ["high", "high"],
    ["provider-default", undefined],
    [undefined, undefined],
  ]) {
    const { operation, chat } = await traced(v7, "generateText", {
      model: answering(v7),
      reasoning,
    });
    assert.equal(chat["gen_ai.request.reasoning.level"], expected);
    assert.equal(operation["gen_ai.request.reasoning.level"], undefined);
  }
});

describe("the step of a model call", () => {
  for (const sdk of sdks) {
    for (const way of ["generateText", "streamText"] as const) {
      test(`is that of the SDK for each attempt of ${way} of ai ${sdk.name}, over all short courses of a call`, async () => {
        const canBreak = way === "streamText" && sdk.name === "v7";
        const events: readonly Attempt[] = canBreak
          ? ["fail", "break", "call a tool"]
          : ["fail", "call a tool"];
        let courses: Attempt[][] = [[]];
        const all: Attempt[][] = [[]];
        for (let length = 1; length <= 3; length += 1) {
          courses = courses.flatMap((course) => events.map((event) => [...course, event]));
          all.push(...courses);
        }
        for (const course of all) {
          let step = -1;
          const expected: number[] = [];
          const asked =
            <T>(answer: () => T) =>
            () => {
              expected.push(step);
              return answer();
            };
          const model = sdk.model({
            generate: [
              ...course.map((event) => asked(event === "fail" ? busy : toolAnswer("look"))),
              asked(textAnswer()),
            ],
            stream: [
              ...course.map((event) =>
                asked({ fail: busy, break: broken, "call a tool": toolParts("look") }[event]),
              ),
              asked(textParts("Hello")),
            ] as never,
          });
          const tracing = recording();
          const { generateText, streamText } = wrapped(tracing.telemetry, sdk);
          const params = {
            model,
            prompt: "p",
            tools: { look: sdk.tool(() => "mild") },
            stopWhen: sdk.stopAfter(9),
            maxRetries: 3,
            streamRetries: 3,
            onError() {},
            prepareStep({ stepNumber }: { stepNumber: number }) {
              step = stepNumber;
              return {};
            },
          };
          if (way === "generateText") await generateText(params);
          else await streamText(params).consumeStream();
          await allEnded(tracing);
          const chats = tracing.runtime.spans.filter(({ name }) => name.startsWith("chat"));
          const steps = chats.map((span) => attributesOf(span)["cloudflare.agents.step.number"]);
          assert.equal(expected.length, course.length + 1, course.join());
          assert.deepEqual(steps, expected, course.join());
        }
      });
    }
  }
});

describe("the provider of a model", () => {
  const settings = { apiKey: "k", name: "my-llm" };
  for (const [sdk, provider] of [
    [v7, createOpenAI(settings)],
    [v6, createOpenAIV6(settings)],
  ] as const) {
    test(`is the name that was given to the provider package, for every kind of model of ${sdk.name}`, () => {
      const { telemetry } = recording();
      const { core } = telemetry.host;
      assert.ok(core);
      const kinds = [
        "chat",
        "completion",
        "responses",
        "embedding",
        "image",
        "speech",
        "transcription",
      ];
      const methods = [...kinds, ...Object.keys(provider).filter((name) => name.endsWith("Model"))];
      const factories = provider as unknown as Readonly<
        Record<string, (id: string) => { provider: string }>
      >;
      const ids = new Set(methods.map((method) => factories[method]?.("m").provider ?? ""));
      assert.ok(ids.size >= kinds.length, [...ids].join());
      for (const id of ids) {
        assert.match(id, /^my-llm\.[a-z-]+$/i);
        assert.equal(telemetry.names.provider(core, id), "my-llm", id);
      }
    });
  }

  test("is on the spans of its calls", async () => {
    const fetch = (() => Promise.reject(new TypeError("refused"))) as typeof globalThis.fetch;
    const model = createOpenAI({ ...settings, fetch }).chat("m");
    const { operation, chat } = await traced(v7, "generateText", { model }, { semconv: "agents" });
    assert.equal(chat["gen_ai.provider.name"], "my-llm");
    assert.equal(operation["gen_ai.provider.name"], "my-llm");
  });
});

describe("the address of a model's server", () => {
  const apiKey = "a secret";
  const refused = () => Promise.reject(new TypeError("refused"));
  const settings = { apiKey, fetch: refused as typeof fetch };
  const elsewhere = { ...settings, baseURL: "http://user:secret@localhost:8080/v1?key=secret" };
  const addressOf = async (sdk: Sdk, model: unknown, options?: AITelemetryOptions) => {
    const { chat } = await traced(sdk, "generateText", { model }, options);
    assert.doesNotMatch(JSON.stringify(chat), /secret/);
    return [chat["server.address"], chat["server.port"]];
  };

  for (const [what, sdk, model, expected] of [
    ["OpenAI's responses", v7, createOpenAI(settings)("gpt-5"), ["api.openai.com", 443]],
    ["OpenAI's chat", v7, createOpenAI(settings).chat("gpt-5"), ["api.openai.com", 443]],
    ["OpenAI's for v6", v6, createOpenAIV6(settings)("gpt-5"), ["api.openai.com", 443]],
    ["OpenAI's elsewhere", v7, createOpenAI(elsewhere)("gpt-5"), ["localhost", 8080]],
    ["OpenAI's elsewhere for v6", v6, createOpenAIV6(elsewhere)("gpt-5"), ["localhost", 8080]],
    ["the gateway's", v7, createGateway(settings)("openai/gpt-5"), ["ai-gateway.vercel.sh", 443]],
    [
      "the gateway's for v6",
      v6,
      aiV6.createGateway(settings)("openai/gpt-5"),
      ["ai-gateway.vercel.sh", 443],
    ],
  ] as const) {
    test(`is that of the request: ${what} models`, async () => {
      assert.deepEqual(await addressOf(sdk, model), expected);
    });
  }

  for (const [what, config, expected] of [
    [
      "a function gives the base",
      { baseUrl: () => "https://bedrock.example/" },
      ["bedrock.example", 443],
    ],
    ["the address is of version 6", { baseURL: "http://[::1]:8787/" }, ["::1", 8787]],
    ["the base is no URL", { baseURL: "/api" }, [undefined, undefined]],
    ["the base is no text", { baseURL: 7 }, [undefined, undefined]],
    ["`url` throws", { url: () => assert.fail("no setting") }, [undefined, undefined]],
    ["the config may not be touched", untouchable(), [undefined, undefined]],
    ["the config has getters", withThrowingGetter("baseURL"), [undefined, undefined]],
    ["there is no config", undefined, [undefined, undefined]],
  ] as const) {
    test(`is ${expected[0] ?? "not known"} where ${what}`, async () => {
      for (const sdk of sdks) {
        const model = Object.assign(answering(sdk), { config });
        assert.deepEqual(await addressOf(sdk, model), expected);
      }
    });
  }

  test("has no name in profile agents, and the model is not asked", async () => {
    let asked = 0;
    const url = () => {
      asked += 1;
      return "https://example.com";
    };
    const model = Object.assign(answering(v7), { config: { url } });
    assert.deepEqual(await addressOf(v7, model, { semconv: "agents" }), [undefined, undefined]);
    assert.equal(asked, 0);
  });

  test("stands on the spans of requests, not on the operation", async () => {
    const model = createOpenAI(settings)("gpt-5");
    const { operation } = await traced(v7, "streamText", { model });
    assert.equal(operation["server.address"], undefined);
    const tracing = recording();
    const { embed } = wrapped(tracing.telemetry, v7, latest) as unknown as Record<
      string,
      (params: Params) => Promise<unknown>
    >;
    const embedding = createOpenAI(settings).embedding("text-embedding-3-small");
    await outcomeOf(async () => embed?.({ model: embedding, value: "a", maxRetries: 0 }));
    const [request] = tracing.runtime.spans;
    assert.equal(attributesOf(request)["server.address"], "api.openai.com");
  });
});

for (const sdk of sdks) {
  for (const way of ["generateText", "streamText"] as const) {
    describe(`stop sequences of ${way} of ai ${sdk.name}`, () => {
      const stopSequences = ["\n\n", 'a "quote"'];
      const call = (settings: Params, options?: AITelemetryOptions) =>
        traced(sdk, way, { model: answering(sdk), ...settings }, options);

      test("are a list on the operation and on the model call", async () => {
        for (const attributes of Object.values(await call({ stopSequences }))) {
          assert.deepEqual(attributes["gen_ai.request.stop_sequences"], stopSequences);
        }
      });

      test("go through redaction one by one", async () => {
        const redact = (_key: string, value: string) => (value === "\n\n" ? undefined : value);
        const { chat } = await call({ stopSequences }, { ...latest, redact });
        assert.deepEqual(chat["gen_ai.request.stop_sequences"], ['a "quote"']);
      });

      test("are absent where there are none, and in profile agents", async () => {
        for (const [settings, options] of [
          [{}, latest],
          [{ stopSequences: [] }, latest],
          [{ stopSequences }, { semconv: "agents" }],
        ] as const) {
          const { chat } = await call(settings, options);
          assert.equal(chat["gen_ai.request.stop_sequences"], undefined);
        }
      });
    });

    describe(`definitions of tools of ${way} of ai ${sdk.name}`, () => {
      const provided = {
        ...sdk.tool(() => "never run"),
        execute: undefined,
        type: "provider",
        id: "provider.search",
        args: { authorization: "a credential" },
      };
      const tools = { weather: sdk.tool(() => "mild"), search: provided };
      const key = "gen_ai.tool.definitions";
      const call = async (options: AITelemetryOptions, settings: Params = {}) =>
        (await traced(sdk, way, { model: answering(sdk), tools, ...settings }, options)).chat;

      test("are recorded when asked for, of a provider's tool without its settings", async () => {
        const { [key]: json } = await call({ ...latest, storeTools: true });
        assert.deepEqual(JSON.parse(String(json)), [
          {
            type: "function",
            name: "weather",
            description: "a tool",
            parameters: { type: "object", properties: {} },
          },
          { type: "extension", name: "search", id: "provider.search" },
        ]);
      });

      test("are absent unless asked for, where inputs are not recorded, and in profile agents", async () => {
        const unrecorded = { experimental_telemetry: { recordInputs: false } };
        for (const [options, settings] of [
          [{ ...latest, storeMessages: true }, {}],
          [{ ...latest, storeTools: true }, unrecorded],
          [{ ...latest, storeTools: true }, { tools: {} }],
          [{ storeTools: true }, {}],
        ] as const) {
          assert.equal((await call(options, settings))[key], undefined);
        }
      });

      test("go through redaction, but for types and names of tools", async () => {
        const redact = (seen: string, value: string) => (seen === key ? "[redacted]" : value);
        const { [key]: json } = await call({ ...latest, storeTools: true, redact });
        const [weather, search] = JSON.parse(String(json)) as Record<string, unknown>[];
        assert.deepEqual([weather?.["name"], weather?.["type"]], ["weather", "function"]);
        assert.equal(weather?.["description"], "[redacted]");
        assert.equal(search?.["name"], "search");
      });
    });
  }
}
