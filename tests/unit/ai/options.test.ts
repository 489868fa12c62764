import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readSettings } from "../../../bindings/ai/options.ts";
import { wrapNamespace } from "../../../bindings/ai/sdk/wrap.ts";
import { sdks, textAnswer, toolAnswer, wrapped } from "../support/ai_sdk.ts";
import { attributesOf, recording } from "../support/tracing.ts";

describe("hooks that answer with what they must not", () => {
  const answers: Readonly<Record<string, () => unknown>> = {
    "a promise": async () => "a secret",
    "a promise that is rejected": () => Promise.reject(new Error("a secret")),
    "a number": () => 7,
    "an object that is no text": () => ({ toString: () => "a secret" }),
    null: () => null,
  };
  for (const sdk of sdks) {
    for (const [what, answer] of Object.entries(answers)) {
      test(`${what}: values are left out and counted, the call goes on, in ${sdk.name}`, async (t) => {
        const said = t.mock.method(console, "error", () => {});
        for (const hook of ["redact", "enrich"] as const) {
          const tracing = recording();
          const options = { storeMessages: true, storeTools: true, [hook]: answer as never };
          const functions = wrapped(tracing.telemetry, sdk, options);
          const { text } = await functions.generateText({
            model: sdk.model({ modelId: "secret", generate: [toolAnswer("secret"), textAnswer()] }),
            prompt: "a secret",
            tools: { secret: sdk.tool(() => "a secret") },
            stopWhen: sdk.stopAfter(2),
          });
          assert.equal(text, "Hello");
          const spans = tracing.runtime.spans.map((span) => [span.name, attributesOf(span)]);
          assert.equal(spans.length, 4);
          if (hook === "redact") assert.doesNotMatch(JSON.stringify(spans), /secret/);
          // An object adds what it has.
          const isObject = hook === "enrich" && what.startsWith("an object");
          assert.equal(tracing.count("swallowed_errors") > 0, !isObject, hook);
        }
        const lines = said.mock.calls.map((call) => String(call.arguments[0]));
        assert.ok(
          lines.every((line) => !line.includes("secret")),
          lines.join(),
        );
      });
    }
  }
});

describe("options of wrapAISDK", () => {
  test("the defaults are the names of agents and no runtime context", () => {
    const { profile, contextKeys } = readSettings();
    assert.deepEqual([profile, contextKeys], [0, []]);
    assert.deepEqual(readSettings({}), readSettings());
    assert.equal(readSettings({ semconv: "latest" }).profile, 1);
  });

  for (const [value, said] of [
    ["lates", '"lates"'],
    [1, "number"],
    [null, "object"],
    [Symbol("s"), "symbol"],
  ] as const) {
    test(`semconv ${said} is refused with what it may be`, () => {
      assert.throws(
        () => readSettings({ semconv: value as never }),
        new TypeError(`isotel/ai: semconv is ${said}; it has to be "agents" or "latest"`),
      );
    });
  }

  for (const [options, said] of [
    [{ contentOn: "logs" }, '"logs"; it has to be "spans", "events" or "both"'],
    [{ contentOn: true }, 'boolean; it has to be "spans", "events" or "both"'],
    [{ contentOn: "events" }, '"events"; it has to be "spans", or inferenceEvents has to be true'],
    [
      { contentOn: "both", exceptionEvents: true },
      '"both"; it has to be "spans", or inferenceEvents has to be true',
    ],
  ] as const) {
    test(`contentOn of ${JSON.stringify(options)} is refused with what it may be`, () => {
      assert.throws(
        () => readSettings(options as never),
        new TypeError(`isotel/ai: contentOn is ${said}`),
      );
    });
  }

  for (const value of ["tenant", {}, ["a", 1], [""], null, 5]) {
    test(`includeRuntimeContext ${JSON.stringify(value)} is refused with what it may be`, () => {
      assert.throws(
        () => readSettings({ includeRuntimeContext: value as never }),
        /^TypeError: isotel\/ai: includeRuntimeContext is .*; it has to be a list of keys, e\.g\. \["tenant"\]$/,
      );
    });
  }

  for (const name of [
    "storeMessages",
    "storeAgentMessages",
    "storeTools",
    "recordErrors",
    "inferenceEvents",
    "exceptionEvents",
    "metadataOnChildren",
    "detached",
    "redact",
    "enrich",
  ] as const) {
    test(`${name} of another type is refused with what it may be`, () => {
      for (const value of ["true", 1, null, {}]) {
        assert.throws(
          () => readSettings({ [name]: value }),
          new RegExp(
            `^TypeError: isotel/ai: ${name} is .*; it has to be (true or false|a function)$`,
          ),
        );
      }
    });
  }

  test("a list of keys that changes later changes nothing", () => {
    const keys = ["tenant"];
    const { contextKeys } = readSettings({ includeRuntimeContext: keys });
    keys.push("secret");
    assert.deepEqual(contextKeys, ["tenant"]);
  });
});

describe("the namespace that is wrapped", () => {
  const { telemetry } = recording();

  const without = "an object without any of them";
  for (const [what, value, shape] of [
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a function", () => {}, "function"],
    ["an empty object", {}, without],
    ["an object whose generateText is no function", { generateText: 1 }, without],
  ] as const) {
    test(`${what} is refused with a hint`, () => {
      assert.throws(() => wrapNamespace(telemetry, value as never, undefined), {
        name: "TypeError",
        message:
          "isotel/ai: wrapAISDK takes functions of the AI SDK that call a model; " +
          `it got ${shape}. Write wrapAISDK({ generateText, streamText }), with both imported from "ai"`,
      });
    });
  }

  for (const sdk of sdks) {
    test(`all else of ai ${sdk.name} is passed through, and its own namespace stays as it is`, () => {
      const before = Object.entries(sdk.namespace);
      const functions = wrapNamespace(telemetry, sdk.namespace, undefined);
      assert.deepEqual(Object.keys(functions), Object.keys(sdk.namespace));
      const { generateText, streamText } = functions;
      assert.notEqual(generateText, sdk.namespace.generateText);
      assert.notEqual(streamText, sdk.namespace.streamText);
      assert.deepEqual(Object.entries(sdk.namespace), before);
      const { jsonSchema, stepCountIs } = functions as unknown as Record<string, unknown>;
      const original = sdk.namespace as unknown as Record<string, unknown>;
      assert.equal(jsonSchema, original["jsonSchema"]);
      assert.equal(stepCountIs, original["stepCountIs"]);
    });
  }
});
