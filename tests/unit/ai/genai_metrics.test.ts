import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createIntegration } from "../../../bindings/ai/hooks/register.ts";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import { wrapNamespace } from "../../../bindings/ai/sdk/wrap.ts";
import {
  type Functions,
  type Sdk,
  sdks,
  textAnswer,
  textParts,
  toolAnswer,
  toolParts,
} from "../support/ai_sdk.ts";
import { type Measuring, measuring, runtimes } from "../support/measuring.ts";
import { metering, meteringWithTrapIn, settle } from "../support/metering.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";

/** The labels of a chat of these models, as an exposition writes them. */
const chat =
  'gen_ai_operation_name="chat",gen_ai_provider_name="gcp.vertex_ai",gen_ai_request_model="model-1"';
const answered = `${chat},gen_ai_response_model="model-1-0001"`;
const used = `{${answered},gen_ai_token_modality="unknown"}`;

type Call = (functions: Functions, sdk: Sdk) => Promise<unknown>;

const functionsOf = ({ telemetry }: Measuring, sdk: Sdk, options?: AITelemetryOptions): Functions =>
  wrapNamespace(telemetry, sdk.namespace, options);

const failing = (name: string) => () => {
  throw Object.assign(new Error("secret message"), { name, isRetryable: false });
};

const calls: Readonly<Record<string, Call>> = {
  "generateText with two tools and two steps": async (functions, sdk) => {
    const { text } = await functions.generateText({
      prompt: "p",
      model: sdk.model({ generate: [toolAnswer("weather", "mail"), textAnswer()] }),
      tools: { weather: sdk.tool(() => "sun"), mail: sdk.tool(failing("MailError")) },
      stopWhen: sdk.stopAfter(5),
      experimental_telemetry: { functionId: "helper" },
    });
    assert.equal(text, "Hello");
  },
  "streamText with a tool": async (functions, sdk) => {
    let text = "";
    const result = functions.streamText({
      prompt: "p",
      model: sdk.model({ stream: [toolParts("weather"), textParts("Hel", "lo", " you")] }),
      tools: { weather: sdk.tool(() => "sun") },
      stopWhen: sdk.stopAfter(5),
    });
    for await (const delta of result.textStream) text += delta;
    assert.equal(text, "Hello you");
  },
  "streamText that is left": async (functions, sdk) => {
    const { textStream } = functions.streamText({
      prompt: "p",
      model: sdk.model({ stream: [textParts("Hel", "lo", " you")] }),
    });
    for await (const _ of textStream) break;
    await settle();
  },
  "an embedding": async (functions, sdk) => {
    const { embed } = functions as unknown as Record<string, (params: object) => Promise<unknown>>;
    const model = {
      specificationVersion: sdk.name === "v7" ? "v4" : "v3",
      provider: "openai.embedding",
      modelId: "embedding-1",
      maxEmbeddingsPerCall: 1,
      supportsParallelCalls: true,
      doEmbed: async () => ({ embeddings: [[1]], usage: { tokens: 5 }, warnings: [] }),
    };
    await embed?.({ model, value: "v" });
  },
  "generateText that fails": async (functions, sdk) => {
    const model = sdk.model({ generate: [failing("RangeError")] });
    await assert.rejects(functions.generateText({ prompt: "p", model, maxRetries: 0 }), {
      message: "secret message",
    });
  },
};

for (const sdk of sdks) {
  describe(`calls of ai ${sdk.name} that are measured`, () => {
    for (const [what, call] of Object.entries(calls)) {
      test(`${what}: traced or not, the metrics are the same`, async () => {
        const seen: Record<string, Record<string, number>> = {};
        for (const [where, runtime] of Object.entries(runtimes)) {
          const own = measuring(runtime());
          await call(functionsOf(own, sdk), sdk);
          seen[where] = own.samples();
          assert.deepEqual(own.warnings, []);
          assert.equal(own.telemetry.diagnostics()["swallowed_errors"], 0);
          const { spans_opened, spans_ended } = own.telemetry.diagnostics();
          assert.equal(spans_opened, spans_ended);
        }
        assert.ok(Object.keys(seen["traced"] ?? {}).length > 5);
        assert.deepEqual(seen["untraced"], seen["traced"]);
        assert.deepEqual(seen["without tracing"], seen["traced"]);
      });
    }

    test("an agent of two steps counts its calls, tools and tokens once", async () => {
      const own = measuring(runtimes.untraced());
      await calls["generateText with two tools and two steps"]?.(functionsOf(own, sdk), sdk);
      const samples = own.samples();
      const agent = '{gen_ai_agent_name="helper"}';
      assert.equal(samples[`gen_ai_invoke_agent_inference_calls_sum${agent}`], 2);
      assert.equal(samples[`gen_ai_invoke_agent_tool_calls_sum${agent}`], 2);
      assert.equal(samples[`gen_ai_invoke_agent_tool_calls_count${agent}`], 1);
      assert.equal(samples[`gen_ai_client_inference_usage_input_tokens_total${used}`], 200);
      assert.equal(samples[`gen_ai_client_inference_usage_output_tokens_total${used}`], 40);
      assert.equal(
        samples[`gen_ai_client_inference_usage_cache_read_input_tokens_total${used}`],
        60,
      );
      assert.equal(
        samples[`gen_ai_client_inference_usage_cache_write_input_tokens_total${used}`],
        20,
      );
      assert.equal(
        samples[`gen_ai_client_inference_usage_reasoning_output_tokens_total${used}`],
        10,
      );
      assert.equal(samples[`gen_ai_client_inference_duration_seconds_count{${answered}}`], 2);
      const tool = 'gen_ai_agent_name="helper",gen_ai_tool_name';
      const duration = "gen_ai_execute_tool_duration_seconds_count";
      assert.equal(samples[`${duration}{${tool}="weather",gen_ai_tool_type="function"}`], 1);
      const failed = `{error_type="MailError",${tool}="mail",gen_ai_tool_type="function"}`;
      assert.equal(samples[`${duration}${failed}`], 1);
    });

    test("a stream gives the time to its first chunk and one for each further", async () => {
      const own = measuring(runtimes.untraced());
      await calls["streamText with a tool"]?.(functionsOf(own, sdk), sdk);
      const samples = own.samples();
      const first = "gen_ai_client_inference_time_to_first_chunk_seconds";
      const next = "gen_ai_client_inference_time_per_output_chunk_seconds";
      // One of each step, and of the second step's three the two after it; each look at the clock is a second.
      assert.equal(samples[`${first}_count{${answered}}`], 2);
      assert.equal(samples[`${next}_count{${answered}}`], 2);
      assert.equal(samples[`${next}_sum{${answered}}`], 2);
    });

    test("a stream that is left has been measured as far as it went, without an error", async () => {
      const own = measuring(runtimes.untraced());
      await calls["streamText that is left"]?.(functionsOf(own, sdk), sdk);
      const samples = own.samples("_count{");
      assert.equal(samples[`gen_ai_client_inference_duration_seconds_count{${answered}}`], 1);
      assert.ok(Object.keys(samples).every((name) => !name.includes("error_type")));
    });

    test("a failure is told by its name alone", async () => {
      const own = measuring(runtimes.untraced());
      await calls["generateText that fails"]?.(functionsOf(own, sdk), sdk);
      const samples = own.samples();
      const failed = `{error_type="RangeError",${chat}}`;
      assert.equal(samples[`gen_ai_client_inference_duration_seconds_count${failed}`], 1);
      assert.ok(!own.collect().text.includes("secret"));
    });

    test("each attempt at a call is measured", async () => {
      const own = measuring(runtimes.untraced());
      const retryable = () => {
        throw Object.assign(new Error("overloaded"), {
          name: "AI_APICallError",
          isRetryable: true,
          responseHeaders: { "retry-after-ms": "1" },
          [Symbol.for("vercel.ai.error")]: true,
          [Symbol.for("vercel.ai.error.AI_APICallError")]: true,
        });
      };
      const model = sdk.model({ generate: [retryable, textAnswer()] });
      await functionsOf(own, sdk).generateText({ prompt: "p", model, maxRetries: 1 });
      const samples = own.samples("_count{");
      const duration = "gen_ai_client_inference_duration_seconds_count";
      assert.equal(samples[`${duration}{error_type="AI_APICallError",${chat}}`], 1);
      assert.equal(samples[`${duration}{${answered}}`], 1);
      assert.equal(
        own.samples("inference_calls_sum")["gen_ai_invoke_agent_inference_calls_sum"],
        2,
      );
    });

    test("nothing of an untraced call is looked at but what labels need", async () => {
      const own = measuring(runtimes.untraced());
      const hooks: string[] = [];
      const functions = functionsOf(own, sdk, {
        storeMessages: true,
        storeTools: true,
        enrich: () => {
          hooks.push("enrich");
          return undefined;
        },
        redact: (key, value) => {
          hooks.push(key);
          return key === "gen_ai.request.model" ? "a model" : value;
        },
      });
      await functions.generateText({
        prompt: "secret",
        model: sdk.model({ generate: [toolAnswer("weather"), textAnswer("secret")] }),
        tools: { weather: sdk.tool(() => "secret") },
        stopWhen: sdk.stopAfter(2),
        experimental_telemetry: {
          functionId: "helper",
          metadata: { conversationId: "conversation", tenant: "secret" },
        },
      });
      assert.deepEqual([...new Set(hooks)].sort(), [
        "gen_ai.agent.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.tool.name",
      ]);
      const { text } = own.collect();
      assert.ok(text.includes('gen_ai_request_model="a model"'), text);
      assert.ok(!text.includes("secret") && !text.includes("conversation"));
      assert.ok(!text.includes('request_model="model-1"'), "labels leave too");
    });
  });
}

const [sdk] = sdks as [Sdk];
const generate = (own: Measuring) =>
  functionsOf(own, sdk).generateText({
    prompt: "p",
    model: sdk.model({ generate: [textAnswer()] }),
  });

describe("measuring calls", () => {
  test("is told of as they end, so that somebody sends it", async () => {
    const own = measuring(runtimes.untraced());
    let told = 0;
    own.meter.host.onRecord = () => {
      told += 1;
      assert.ok(own.meter.isDirty);
    };
    await generate(own);
    assert.equal(told, 2);
  });

  test("is the same for calls that an integration is told of", async () => {
    const call = calls["generateText with two tools and two steps"] as Call;
    const wrapped = measuring(runtimes.untraced());
    await call(functionsOf(wrapped, sdk), sdk);
    const hooked = measuring(runtimes.untraced());
    const integrations = [createIntegration(hooked.telemetry, undefined)];
    const { generateText } = sdk.namespace;
    const functions = {
      ...sdk.namespace,
      generateText: (params: object) =>
        generateText({ ...params, telemetry: { functionId: "helper", integrations } }),
    };
    await call(functions, sdk);
    assert.deepEqual(hooked.samples(), wrapped.samples());
    assert.ok(Object.keys(hooked.samples()).length > 20);
  });

  test("can be off: then an untraced call is the caller's own", async () => {
    for (const runtime of [runtimes.untraced(), runtimes["without tracing"]()]) {
      const own = measuring(runtime, false);
      const params = Object.freeze({
        get model(): never {
          throw new Error("nobody looks at this");
        },
      });
      let got: unknown;
      const original = (given: unknown) => {
        got = given;
        return { text: "" };
      };
      const namespace = { ...sdk.namespace, generateText: original };
      wrapNamespace(own.telemetry, namespace, undefined).generateText(params as never);
      assert.equal(got, params);
      assert.deepEqual(own.samples(), {});
    }
  });

  test("goes on in the core that follows one that trapped", async () => {
    const own = measuring(
      runtimes.untraced(),
      undefined,
      meteringWithTrapIn("isotel_span_first_chunk"),
    );
    const stream = () => calls["streamText with a tool"]?.(functionsOf(own, sdk), sdk);
    await stream();
    assert.equal(own.meter.host.traps, 1);
    const first = "gen_ai_client_inference_time_to_first_chunk_seconds_count";
    const before = own.samples()[`${first}{${answered}}`] ?? 0;
    await stream();
    assert.equal(own.samples()[`${first}{${answered}}`], before + 2);
  });

  test("a core that traps as it is told to measure leaves calls alone", async () => {
    for (const name of ["isotel_genai_metrics", "isotel_genai_price", "isotel_span_next_chunk"]) {
      const prices = { "model-1": { input: 1, output: 1 } };
      const own = measuring(runtimes.untraced(), { prices }, meteringWithTrapIn(name));
      for (let i = 0; i < 2; i += 1) {
        await calls["streamText with a tool"]?.(functionsOf(own, sdk), sdk);
      }
      assert.equal(own.meter.host.traps, 1, name);
      const duration = "gen_ai_client_inference_duration_seconds_count";
      assert.ok((own.samples()[`${duration}{${answered}}`] ?? 0) >= 2, name);
    }
  });

  test("leaves out a metric whose name the Worker has taken, warns once, and records the others", async () => {
    const own = metering();
    const { meter } = own;
    const declaration = {
      kind: 0,
      name: "gen_ai.execute_tool.duration",
      unit: "",
      help: "",
      labels: [],
      bounds: [],
    };
    meter
      .define(declaration as never)
      .onlySeries()
      ?.record(1);
    const measured = measuring(runtimes.untraced(), undefined, own);
    await generate(measured);
    const samples = measured.samples("inference");
    assert.equal(samples[`gen_ai_client_inference_duration_seconds_count{${answered}}`], 1);
    assert.equal(own.warnings.length, 1);
    assert.match(own.warnings[0] ?? "", /1 built-in metrics of AI calls are not recorded/);
  });

  test("records former names too where they are wanted", async () => {
    const own = measuring(runtimes.untraced(), { formerNames: true });
    await generate(own);
    const samples = own.samples();
    assert.equal(samples[`gen_ai_client_inference_duration_seconds_count{${answered}}`], 1);
    assert.equal(samples[`gen_ai_client_operation_duration_seconds_count{${answered}}`], 1);
    const usage = `gen_ai_client_token_usage_sum{${answered},gen_ai_token_type=`;
    assert.equal(samples[`${usage}"input"}`], 100);
    assert.equal(samples[`${usage}"output"}`], 20);
  });

  test("costs what the prices say, in their currency", async () => {
    const prices = { "model-1": { input: 1e4, output: 2e4, cacheRead: 1e3 } };
    const own = measuring(runtimes.traced(), { prices, currency: "EUR" });
    await generate(own);
    assert.deepEqual(own.reports, []);
    const labels = '{gen_ai_provider_name="gcp.vertex_ai",gen_ai_request_model="model-1"}';
    // 60 and 10 at 0.01, 30 at 0.001, 20 at 0.02.
    const cost = own.samples("cost")[`isotel_gen_ai_cost_EUR_total${labels}`] ?? 0;
    assert.ok(Math.abs(cost - 1.13) < 1e-12, String(cost));
  });

  test("leaves out a span that was open before, and takes what is opened next", async () => {
    const runtime = new RecordingRuntime();
    const own = measuring(runtime, false);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const model = sdk.model({ generate: [() => held.then(textAnswer())] });
    const pending = functionsOf(own, sdk).generateText({ prompt: "p", model });
    while (runtime.spans.length < 2) await settle();
    own.genAi.use({ flags: 0, currency: "USD", prices: [] });
    release();
    await pending;
    assert.ok(runtime.spans.every(({ ended }) => ended));
    assert.deepEqual(own.samples(), {});
    await generate(own);
    const duration = `gen_ai_client_inference_duration_seconds_count{${answered}}`;
    assert.equal(own.samples()[duration], 1);
  });
});
