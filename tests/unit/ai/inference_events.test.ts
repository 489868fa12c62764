import assert from "node:assert/strict";
import { after, before, describe, mock, test } from "node:test";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import { wrapNamespace } from "../../../bindings/ai/sdk/wrap.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../../otlp_receiver/requests.ts";
import { type Functions, type Sdk, sdks, textAnswer } from "../support/ai_sdk.ts";
import { exportingOver } from "../support/exporting.ts";
import { attributesOf, recording } from "../support/tracing.ts";

const options: AITelemetryOptions = {
  storeMessages: true,
  inferenceEvents: true,
  exceptionEvents: true,
  contentOn: "events",
};
const details = "gen_ai.client.inference.operation.details";
const exception = "gen_ai.client.inference.exception";
const failure = new RangeError("the key is hidden");
const fail = () => Promise.reject(failure);

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

/** Makes a call, and returns its log records. */
async function recordsOf(
  sdk: Sdk,
  given: AITelemetryOptions,
  call: (functions: Functions) => Promise<unknown>,
): Promise<readonly ReceivedItem[]> {
  const { telemetry, pipeline, held } = exportingOver(noopRuntime, receiver);
  receiver.requests.length = 0;
  await call(wrapNamespace(telemetry, sdk.namespace, { ...options, ...given })).catch(
    (cause: unknown) => assert.equal(cause, failure),
  );
  for (let i = 0; i < held.length; i += 1) await held[i];
  await pipeline.flush();
  return receiver.requests
    .filter(({ path }) => path.endsWith("/logs"))
    .flatMap(({ items }) => items);
}

const settings = { prompt: "a hidden question", maxRetries: 0 };
const answering = (sdk: Sdk) => ({ ...settings, model: sdk.model({ generate: [textAnswer()] }) });
const failing = (sdk: Sdk) => ({ ...settings, model: sdk.model({ generate: [fail] }) });

for (const sdk of sdks) {
  describe(`log records of model calls of ai ${sdk.name}`, () => {
    test("redact replaces the texts of content, messages and stacks", async () => {
      const keys = new Set<string>();
      const redact = (key: string, value: string) => {
        if (value.includes("hidden")) keys.add(key);
        return value.replaceAll("hidden", "***");
      };
      const records = await recordsOf(sdk, { redact, recordErrors: true }, (functions) =>
        functions.generateText(failing(sdk)),
      );
      assert.deepEqual(records.map(({ eventName }) => eventName).sort(), [exception, details]);
      assert.doesNotMatch(JSON.stringify(records), /hidden/);
      assert.match(JSON.stringify(records), /a \*\*\* question/);
      assert.deepEqual([...keys].sort(), [
        "exception.message",
        "exception.stacktrace",
        "gen_ai.input.messages",
      ]);
    });

    test("an exception has the class alone without recordErrors", async () => {
      const records = await recordsOf(sdk, {}, (functions) => functions.generateText(failing(sdk)));
      const { attributes = {} } = records.find(({ eventName }) => eventName === exception) ?? {};
      const keys = Object.keys(attributes).filter((key) => key.startsWith("exception."));
      assert.deepEqual(keys, ["exception.type"]);
      assert.equal(attributes["exception.type"], "RangeError");
    });

    test("recordInputs and recordOutputs of the call apply", async () => {
      const records = await recordsOf(sdk, {}, (functions) =>
        functions.generateText({
          ...answering(sdk),
          [sdk.name === "v6" ? "experimental_telemetry" : "telemetry"]: {
            isEnabled: true,
            recordInputs: false,
          },
        }),
      );
      const keys = records.flatMap(({ attributes }) => Object.keys(attributes));
      assert.deepEqual(
        keys.filter((key) => key.endsWith(".messages")),
        ["gen_ai.output.messages"],
      );
    });

    test("names are those of the conventions, also of a span with others", async () => {
      for (const semconv of ["agents", "latest"] as const) {
        const [record, ...others] = await recordsOf(sdk, { semconv }, (functions) =>
          functions.generateText(answering(sdk)),
        );
        assert.deepEqual(others, []);
        const attributes = record?.attributes ?? {};
        assert.ok(Number(attributes["gen_ai.usage.cache_write.input_tokens"]) > 0);
        assert.deepEqual(attributes["gen_ai.response.finish_reasons"], ["stop"]);
        const foreign = Object.keys(attributes).filter((key) =>
          /cache_creation|cloudflare/.test(key),
        );
        assert.deepEqual(foreign, []);
      }
    });

    test("a call that is aborted has its details and no exception", async () => {
      const controller = new AbortController();
      const model = sdk.model({
        generate: [
          () => {
            controller.abort(failure);
            return fail();
          },
        ],
      });
      const records = await recordsOf(sdk, {}, (functions) =>
        functions.generateText({ ...settings, model, abortSignal: controller.signal }),
      );
      assert.deepEqual(
        records.map(({ eventName }) => eventName),
        [details],
      );
    });

    test("each kind of record has its option", async () => {
      for (const [given, expected] of [
        [{ exceptionEvents: false }, [details]],
        [{ inferenceEvents: false, contentOn: "spans" }, [exception]],
      ] as const) {
        const records = await recordsOf(sdk, given, (functions) =>
          functions.generateText(failing(sdk)),
        );
        assert.deepEqual(
          records.map(({ eventName }) => eventName),
          expected,
        );
      }
    });
  });
}

test("without an export, content stays on spans and the console says so once", async () => {
  const said = ["log", "warn", "error"].map((method) =>
    mock.method(console, method as "log", () => undefined),
  );
  try {
    const tracing = recording();
    for (const sdk of sdks) {
      const { generateText } = wrapNamespace(tracing.telemetry, sdk.namespace, options);
      await generateText(answering(sdk));
    }
    const chats = tracing.runtime.spans.filter(({ name }) => name.startsWith("chat"));
    assert.equal(chats.length, sdks.length);
    for (const chat of chats) {
      assert.match(String(attributesOf(chat)["gen_ai.input.messages"]), /a hidden question/);
    }
    const lines = said.flatMap(({ mock: { calls } }) =>
      calls.map((call) => String(call.arguments)),
    );
    const ours = lines.filter((line) => line.includes("inferenceEvents"));
    assert.equal(ours.length, 1);
    assert.match(String(ours[0]), /Import "isotel\/otlp"/);
  } finally {
    mock.restoreAll();
  }
});
