import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createIntegration } from "../../../bindings/ai/hooks/register.ts";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import {
  type Functions,
  type Sdk,
  sdks,
  textAnswer,
  textParts,
  toolAnswer,
  toolParts,
  usage,
  wrapped,
} from "../support/ai_sdk.ts";
import { keepAtExit } from "../support/keep_spans.ts";
import { measuring } from "../support/measuring.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";
import { attributesOf, recording, recordingWithTrapIn } from "../support/tracing.ts";

/** The cost on each span: [operation, amount, currency, source]. */
function costs({ spans }: RecordingRuntime) {
  return spans.map((span) => {
    const attributes = attributesOf(span);
    const of = (key: string) => attributes[`cloudflare.agents.usage.cost.${key}`];
    return [attributes["gen_ai.operation.name"], of("amount"), of("currency"), of("source")];
  });
}

type Way = "generateText" | "streamText";

/** Makes a call whose model answers once, with these entries besides. */
async function call(functions: Functions, sdk: Sdk, way: Way, more: object): Promise<void> {
  const parts = textParts("Hello")();
  const finish = { ...parts.at(-1), ...more };
  const model = sdk.model({
    generate: [() => ({ ...textAnswer()(), ...more })],
    stream: [() => [...parts.slice(0, -1), finish]],
  });
  if (way === "generateText") await functions.generateText({ model, prompt: "p" });
  else await functions.streamText({ model, prompt: "p" }).consumeStream();
}

/** What providers and gateways say, and the dollars and the source that it is. */
const reports: readonly (readonly [string, object, number | undefined, string?])[] = [
  ["OpenRouter", { openrouter: { usage: { cost: 0.00014 } } }, 0.00014],
  ["the gateway", { gateway: { cost: "0.0045405", marketCost: "1" } }, 0.0045405, "gateway"],
  [
    "the gateway besides a provider",
    { openrouter: { usage: { cost: 1 } }, gateway: { cost: "2" } },
    2,
    "gateway",
  ],
  ["Perplexity", { perplexity: { cost: { inputTokensCost: 1, totalCost: 0.005 } } }, 0.005],
  ["xAI", { xai: { costInUsdTicks: 12_345 } }, 0.0000012345],
  ["a provider that costs nothing", { openrouter: { usage: { cost: 0 } } }, 0],
  ["a provider with euros", { other: { cost: 1, currency: "EUR" } }, undefined],
  [
    "a provider with euros in its cost",
    { other: { cost: { totalCost: 1, currency: "EUR" } } },
    undefined,
  ],
  ["a negative cost", { other: { cost: -1 } }, undefined],
  ["a cost that is no number", { other: { cost: Number.NaN }, more: { cost: "a lot" } }, undefined],
  ["no cost", { openai: { responseId: "r" }, nothing: null }, undefined],
];

const raws: readonly (readonly [string, object, number])[] = [
  ["OpenRouter behind a compatible provider", { cost: 0.25, total_tokens: 1 }, 0.25],
  ["Perplexity", { cost: { total_cost: 0.5 } }, 0.5],
  ["xAI", { cost_in_usd_ticks: 1e10 }, 1],
];

const prices = { "model-1": { input: 1e4, output: 2e4, cacheRead: 1e3 } };
/** 100 input tokens, of which 30 are cached, and 20 output tokens at these prices. */
const priced = 1.13;

for (const sdk of sdks) {
  describe(`the cost of a call of ai ${sdk.name}`, () => {
    for (const way of ["generateText", "streamText"] as const) {
      const run = async (more: object, options?: AITelemetryOptions) => {
        const { telemetry, runtime } = recording();
        await call(wrapped(telemetry, sdk, options), sdk, way, more);
        return costs(runtime);
      };
      const spans = (amount: number | undefined, source: string) =>
        amount === undefined
          ? [
              ["invoke_agent", undefined, undefined, undefined],
              ["chat", undefined, undefined, undefined],
            ]
          : [
              ["invoke_agent", amount, "USD", undefined],
              ["chat", amount, "USD", source],
            ];

      test(`is what the provider or a gateway reports, of ${way}`, async () => {
        for (const [who, providerMetadata, amount, source = "provider"] of reports) {
          assert.deepEqual(await run({ providerMetadata }), spans(amount, source), who);
        }
        for (const [who, raw, amount] of raws) {
          const seen = await run({ usage: { ...usage, raw } });
          assert.deepEqual(seen, spans(amount, "provider"), who);
        }
      });

      test(`is that of the prices if nobody reports one, of ${way}`, async () => {
        assert.deepEqual(await run({}, { prices }), spans(priced, "prices"));
        const providerMetadata = { openrouter: { usage: { cost: 0.5 } } };
        assert.deepEqual(await run({ providerMetadata }, { prices }), spans(0.5, "provider"));
        const others = { "model-2": { input: 1, output: 1 } };
        assert.deepEqual(await run({}, { prices: others }), spans(undefined, ""));
      });

      test(`is the same in the metric, traced or not, of ${way}`, async () => {
        for (const traced of [true, false]) {
          for (const [providerMetadata, amount] of [
            [{ openrouter: { usage: { cost: 0.5 } } }, 0.5],
            [{}, priced],
          ] as const) {
            const runtime = new RecordingRuntime({ traced });
            const own = measuring(runtime, { prices });
            await call(wrapped(own.telemetry, sdk), sdk, way, { providerMetadata });
            const [metric] = Object.entries(own.samples("isotel_gen_ai_cost"));
            assert.match(String(metric?.[0]), /^isotel_gen_ai_cost_USD_total\{/);
            assert.equal(metric?.[1], amount);
            if (traced) assert.deepEqual(costs(runtime)[1]?.slice(0, 2), ["chat", amount]);
          }
        }
      });

      test(`has the currency of the metrics, and reports in dollars do not count in another, of ${way}`, async () => {
        const runtime = new RecordingRuntime();
        const own = measuring(runtime, { prices, currency: "EUR" });
        const providerMetadata = { openrouter: { usage: { cost: 0.5 } } };
        await call(wrapped(own.telemetry, sdk), sdk, way, { providerMetadata });
        assert.deepEqual(costs(runtime), [
          ["invoke_agent", priced, "EUR", undefined],
          ["chat", priced, "EUR", "prices"],
        ]);
      });
    }

    test("of an operation is the sum of its model calls, a failed attempt included as nothing", async () => {
      for (const way of ["generateText", "streamText"] as const) {
        const { telemetry, runtime } = recording();
        const functions = wrapped(telemetry, sdk, { prices });
        const params = {
          model: sdk.model({
            generate: [toolAnswer("look"), textAnswer()],
            stream: [toolParts("look"), textParts("Hello")],
          }),
          prompt: "p",
          tools: { look: sdk.tool(() => "mild") },
          stopWhen: sdk.stopAfter(3),
        };
        if (way === "generateText") await functions.generateText(params);
        else await functions.streamText(params).consumeStream();
        assert.deepEqual(costs(runtime), [
          ["invoke_agent", 2 * priced, "USD", undefined],
          ["chat", priced, "USD", "prices"],
          ["execute_tool", undefined, undefined, undefined],
          ["chat", priced, "USD", "prices"],
        ]);
      }
    });

    test("of embeddings is on their span", async () => {
      const { telemetry, runtime } = recording();
      const { embed } = wrapped(telemetry, sdk, {
        prices: { embedder: { input: 10, output: 0 } },
      }) as unknown as { embed(params: object): Promise<unknown> };
      const model = {
        specificationVersion: sdk.name === "v7" ? "v4" : "v3",
        provider: "p",
        modelId: "embedder",
        maxEmbeddingsPerCall: 1,
        supportsParallelCalls: false,
        doEmbed: async () => ({ embeddings: [[1]], usage: { tokens: 1e5 }, warnings: [] }),
      };
      await embed({ model, value: "v" });
      assert.deepEqual(costs(runtime), [["embeddings", 1, "USD", "prices"]]);
    });
  });
}

describe("prices of wrapAISDK", () => {
  const [v7] = sdks as [Sdk];

  test("outlive a core that has trapped", async () => {
    const { telemetry, runtime, count } = recordingWithTrapIn("isotel_span_end");
    const functions = wrapped(telemetry, v7, { prices });
    await call(functions, v7, "generateText", {});
    assert.equal(count("traps"), 1);
    runtime.spans.length = 0;
    await call(functions, v7, "generateText", {});
    assert.deepEqual(costs(runtime)[1], ["chat", priced, "USD", "prices"]);
  });

  test("are used by a registered integration as well", async () => {
    const { telemetry, runtime } = recording();
    keepAtExit(telemetry, undefined);
    const integrations = [createIntegration(telemetry, { prices })];
    const { generateText } = v7.namespace;
    const model = v7.model({ generate: [textAnswer()] });
    await generateText({ model, prompt: "p", telemetry: { integrations } });
    assert.deepEqual(costs(runtime)[1], ["chat", priced, "USD", "prices"]);
  });

  test("that are invalid are refused with the field, the shape and what to write", () => {
    const { telemetry } = recording();
    const refused = (value: unknown, message: RegExp) => {
      const options = { prices: value } as AITelemetryOptions;
      assert.throws(() => wrapped(telemetry, v7, options), { name: "TypeError", message });
    };
    refused(7, /^isotel\/ai: prices is the number 7; it has to be an object with prices by model$/);
    refused(
      { m: 1 },
      /prices\["m"\] is the number 1; it has to be an object with input and output/,
    );
    refused(
      { m: { input: "1", output: 1 } },
      /prices\["m"\]\.input is a string of 1 characters; it has to be the price/,
    );
    refused({ m: { input: 1 } }, /prices\["m"\]\.output is undefined/);
    const many = Object.fromEntries(
      Array.from({ length: 1001 }, (_, i) => [`m${i}`, prices["model-1"]]),
    );
    refused(many, /prices has 1001 models; it may have at most 1000/);
  });
});
