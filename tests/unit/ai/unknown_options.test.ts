import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { withTelemetry } from "isotel";
import { createAISDKTelemetry, traceAISDKChannel, wrapAISDK } from "isotel/ai";
import { collector } from "isotel/collector";
import { createOpenTelemetryInstrumentation, createOpenTelemetryObserver } from "isotel/flue";
import { configureAIGateway } from "isotel/gateway";
import "isotel/metrics";
import { configureTelemetry } from "isotel/otlp";
import { optionNames } from "../../../bindings/ai/options.ts";
import { sdks } from "../support/ai_sdk.ts";
import { QueueDouble } from "../support/runtime_doubles.ts";

const takers: Readonly<Record<string, (options: object) => unknown>> = {
  "wrapAISDK of v7": (options) => wrapAISDK(sdks[0]?.namespace ?? {}, options),
  "wrapAISDK of v6": (options) => wrapAISDK(sdks[1]?.namespace ?? {}, options),
  createAISDKTelemetry: (options) => createAISDKTelemetry(options),
  traceAISDKChannel: (options) => traceAISDKChannel(options)(),
};

describe("options of isotel/ai", () => {
  for (const [name, take] of Object.entries(takers)) {
    test(`${name} refuses an option that does not exist, and names the nearest one`, () => {
      for (const [written, nearest] of [
        ["storeMesages", "storeMessages"],
        ["store_tools", "storeTools"],
        ["SEMCONV", "semconv"],
        ["includeRuntimeContexts", "includeRuntimeContext"],
        ["redactor", "redact"],
      ]) {
        assert.throws(
          () => take({ storeTools: true, [String(written)]: true }),
          new TypeError(
            `isotel/ai: there is no option "${written}" (its value is true). The nearest one is ${nearest}. ` +
              `The options are ${Object.keys(optionNames).join(", ")}`,
          ),
        );
      }
    });

    test(`${name} refuses options that are no object`, () => {
      for (const [options, shape] of [
        [null, "null"],
        ["storeMessages", "a string of 13 characters"],
        [true, "true"],
      ] as const) {
        assert.throws(
          () => take(options as never),
          new TypeError(
            `isotel/ai: the options are ${shape}; they have to be an object such as { storeMessages: true }`,
          ),
        );
      }
    });

    test(`${name} takes all options that exist, and undefined for others`, () => {
      const all = {
        semconv: "latest",
        storeMessages: false,
        storeTools: false,
        includeRuntimeContext: ["tenant"],
        redact: (_key: string, value: string) => value,
        enrich: () => ({}),
      };
      take({ ...all, storeMesages: undefined });
    });
  }

  test("an option with a long name is named by its beginning, and its text is not quoted", () => {
    assert.throws(
      () => wrapAISDK({ generateText() {} }, { ["redact".repeat(100)]: "secret" }),
      /^TypeError: isotel\/ai: there is no option "(?:redact){6}reda" \(its value is a string of 6 characters\)/,
    );
  });
});

test("configureAIGateway refuses an option that does not exist, and names the nearest one", () => {
  assert.throws(
    () => configureAIGateway({ provider: "openai", metaData: {} } as never),
    /^TypeError: isotel\/gateway: there is no option "metaData" \(its value is an object\)\. The nearest one is metadata\./,
  );
});

test("isotel/flue observes without an option that does not exist, which is logged once", (t) => {
  const lines = linesOf(t);
  const options = { exportContents: () => ({}) } as never;
  for (let i = 0; i < 2; i += 1) {
    createOpenTelemetryObserver(options).endAll();
    createOpenTelemetryInstrumentation(options).dispose();
  }
  assert.equal(lines().length, 1, lines().join("\n"));
  assert.match(
    String(lines()[0]),
    /^isotel\/flue: there is no option "exportContents" .* The nearest one is exportContent\..* It is ignored$/,
  );
});

type Handler = (...args: unknown[]) => unknown;

/** Returns a function that returns the lines of the console. */
function linesOf(context: TestContext): () => string[] {
  const { mock } = context.mock.method(console, "error", () => {});
  return () => mock.calls.map((call) => String(call.arguments[0]));
}

describe("options that a Worker's function returns at run time", () => {
  test("are used without the ones that do not exist, which are logged once", async (t) => {
    const lines = linesOf(t);
    const queue = new QueueDouble();
    const wrapped = withTelemetry(
      { fetch: async () => new Response("answer") },
      () =>
        ({
          metric: {},
          metrics: { queue, flushIntervall: 5, genAi: { price: {} } },
        }) as never,
    ) as unknown as Record<string, Handler>;
    for (const env of [{}, {}, {}]) {
      const ctx = { waitUntil() {} };
      const answer = wrapped["fetch"]?.(new Request("https://example.org"), env, ctx);
      assert.equal(await ((await answer) as Response).text(), "answer");
    }
    assert.deepEqual(
      lines().map((line) => line.replace(/ The options are .*\. It/, " It")),
      [
        'isotel: there is no option "metric" (its value is an object). The nearest one is metrics. It is ignored',
        'isotel: metrics: there is no option "flushIntervall" (its value is the number 5). The nearest one is flushIntervalMs. It is ignored',
        'isotel: metrics.genAi: there is no option "price" (its value is an object). The nearest one is prices. It is ignored',
      ],
    );
  });

  test("of an export are used without the ones that do not exist, which are logged once", (t) => {
    const lines = linesOf(t);
    const backend = { backend: "custom", endpoint: "http://localhost:1", header: {} };
    for (let i = 0; i < 2; i += 1) {
      const telemetry = configureTelemetry({
        serviceNam: "a",
        tail: { slow: 1 },
        backends: [backend],
      } as never);
      assert.ok(telemetry.counts().every((one) => one.backend === "custom"));
    }
    const nearest = lines().map((line) =>
      /^(isotel: [\w.]+): .* option "(\w+)" .* one is (\w+)\..* It is ignored$/
        .exec(line)
        ?.slice(1),
    );
    assert.deepEqual(nearest, [
      ["isotel: otlp", "serviceNam", "serviceName"],
      ["isotel: otlp.tail", "slow", "slowMs"],
      ["isotel: otlp.backends", "header", "headers"],
    ]);
  });

  test("of a collector are used without the ones that do not exist, which are logged once", (t) => {
    const lines = linesOf(t);
    const worker = collector(() => ({ excludes: [], metrics: { measuresAgain: true } }) as never);
    const tailStream = (worker as unknown as Record<string, Handler>)["tailStream"];
    const onset = { event: { type: "onset", spanId: "1", attributes: [] }, spanContext: {} };
    for (const env of [{}, {}]) tailStream?.(onset, env, { waitUntil() {} });
    const unknown = lines().filter((line) => line.includes("there is no option"));
    assert.equal(unknown.length, 1, unknown.join("\n"));
    assert.match(
      String(unknown[0]),
      /^isotel: collector: there is no option "excludes" .* The nearest one is exclude\./,
    );
  });
});
