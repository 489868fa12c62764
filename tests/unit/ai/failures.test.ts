import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError } from "@ai-sdk/provider";
import { createOpenAI as createOpenAIV6 } from "ai-sdk-openai-v6";
import { createIntegration } from "../../../bindings/ai/hooks/register.ts";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import { failureOf } from "../../../bindings/base/cause.ts";
import {
  type Functions,
  type Sdk,
  sdks,
  textParts,
  toolAnswer,
  wrapped,
} from "../support/ai_sdk.ts";
import { keepAtExit } from "../support/keep_spans.ts";
import { outcomeOf } from "../support/outcome.ts";
import { allEnded, attributesOf, recording, type Tracing } from "../support/tracing.ts";

const statusCode = "http.response.status_code";
const code = "cloudflare.agents.error.code";
const message = "exception.message";

/** One answer of a provider: a status and a body. */
type Answer = readonly [status: number, body: unknown];

/** A provider on the loopback interface that sends these answers in turn, the last one for all later requests. */
async function startProvider() {
  let answers: readonly Answer[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume();
    const [status, body] = answers[Math.min(requests, answers.length - 1)] as Answer;
    requests += 1;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json", "retry-after-ms": "1" });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    answersWith(...next: readonly Answer[]) {
      answers = next;
      requests = 0;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

const openAiError = (error: object) => ({ error: { message: "no", param: null, ...error } });

/** What the spans of a call say of its failures, by the name of the operation. */
function failures({ runtime }: Tracing<ReturnType<typeof recording>["runtime"]>) {
  return runtime.spans.map((span) => {
    const attributes = attributesOf(span);
    return [attributes["gen_ai.operation.name"], attributes[statusCode], attributes[code]];
  });
}

describe("a failed model call over HTTP", () => {
  let provider: Awaited<ReturnType<typeof startProvider>>;
  before(async () => {
    provider = await startProvider();
  });
  after(() => provider.close());

  for (const sdk of sdks) {
    const model = () => {
      const create = sdk.name === "v7" ? createOpenAI : createOpenAIV6;
      return create({ baseURL: provider.baseURL, apiKey: "test" }).chat("gpt-5-mini");
    };
    const failing = async (params: object = {}, options?: AITelemetryOptions) => {
      const tracing = recording();
      const { generateText, streamText } = wrapped(tracing.telemetry, sdk, options);
      const all = { model: model(), prompt: "p", maxRetries: 0, onError() {}, ...params };
      const generated = await outcomeOf(() => generateText(all));
      assert.equal(generated.how, "rejected");
      await allEnded(tracing);
      return { tracing, streamText, all };
    };

    test(`records the status and the provider's code on chat and invoke_agent, in ${sdk.name}`, async () => {
      const cases: readonly (readonly [Answer, string | undefined])[] = [
        [
          [401, openAiError({ type: "invalid_request_error", code: "invalid_api_key" })],
          "invalid_api_key",
        ],
        [
          [400, openAiError({ type: "invalid_request_error", code: null })],
          "invalid_request_error",
        ],
        [[404, openAiError({ type: "NOT_FOUND", code: 404 })], "NOT_FOUND"],
        [[402, openAiError({ type: null, code: 7003 })], "7003"],
        [[400, { success: false, errors: [{ code: 2005, message: "no" }] }], "2005"],
        [[429, openAiError({ type: "tokens", code: "a long sentence with spaces" })], "tokens"],
        [[500, "no JSON at all"], undefined],
      ];
      for (const [answer, expected] of cases) {
        provider.answersWith(answer);
        const { tracing, streamText, all } = await failing();
        const [status] = answer;
        const both = [
          ["invoke_agent", status, expected],
          ["chat", status, expected],
        ];
        assert.deepEqual(failures(tracing), both);
        provider.answersWith(answer);
        tracing.runtime.spans.length = 0;
        await streamText(all).consumeStream();
        await allEnded(tracing);
        assert.deepEqual(failures(tracing), both, "of a stream");
      }
    });

    test(`records each attempt with its own status, and the last one on the operation, in ${sdk.name}`, async () => {
      provider.answersWith(
        [429, openAiError({ type: "requests", code: "rate_limit_exceeded" })],
        [503, openAiError({ type: "server_error", code: null })],
      );
      const { tracing } = await failing({ maxRetries: 1 });
      assert.deepEqual(failures(tracing), [
        ["invoke_agent", 503, "server_error"],
        ["chat", 429, "rate_limit_exceeded"],
        ["chat", 503, "server_error"],
      ]);
      const [operation] = tracing.runtime.spans;
      assert.equal(attributesOf(operation)["error.type"], "AI_RetryError");
    });

    test(`records messages with recordErrors only, without keys and secrets of addresses, in ${sdk.name}`, async () => {
      const said =
        "Incorrect API key sk-proj-0123456789abcdef for https://u:pw@api.test/v1?api_key=hush&x=1. ";
      provider.answersWith([401, { error: { message: said + "é".repeat(2000), type: "t" } }]);
      const plain = await failing();
      assert.ok(plain.tracing.runtime.spans.every((span) => !span.attributes.has(message)));

      const { tracing } = await failing({}, { recordErrors: true });
      assert.equal(tracing.runtime.spans.length, 2);
      for (const span of tracing.runtime.spans) {
        const text = String(attributesOf(span)[message]);
        assert.match(text, /^Incorrect API key sk-REDACTED for https:\/\/.*é$/);
        assert.doesNotMatch(text, /0123456789|hush|pw/);
        assert.ok(Buffer.byteLength(text) <= 1024, String(Buffer.byteLength(text)));
      }

      const redact = (key: string, value: string) => (key === message ? undefined : value);
      const redacted = await failing({}, { recordErrors: true, redact });
      assert.ok(redacted.tracing.runtime.spans.every((span) => !span.attributes.has(message)));

      for (const own of [{ recordInputs: false }, { recordOutputs: false }]) {
        const { tracing: hidden } = await failing(
          { experimental_telemetry: own },
          { recordErrors: true },
        );
        assert.ok(hidden.runtime.spans.every((span) => !span.attributes.has(message)));
      }
    });
  }
});

describe("a failure without a response", () => {
  for (const sdk of sdks) {
    test(`in a stream records the provider's code, and no status on chat, in ${sdk.name}`, async () => {
      const tracing = recording();
      const { streamText } = wrapped(tracing.telemetry, sdk, { recordErrors: true });
      const error = { type: "overloaded_error", message: "Overloaded" };
      const model = sdk.model({
        stream: [
          () => [
            { type: "stream-start", warnings: [] },
            { type: "error", error },
          ],
        ],
      });
      await streamText({ model, prompt: "p", maxRetries: 0, onError() {} }).consumeStream();
      await allEnded(tracing);
      assert.deepEqual(failures(tracing), [
        // v7 gives its caller an error with a status for an overloaded provider.
        ["invoke_agent", sdk.name === "v7" ? 503 : undefined, "overloaded_error"],
        ["chat", undefined, "overloaded_error"],
      ]);
      const messages = tracing.runtime.spans.map((span) => attributesOf(span)[message]);
      assert.deepEqual(messages, ["Overloaded", "Overloaded"]);
    });

    test(`of a tool records its message and nothing of a response, in ${sdk.name}`, async () => {
      const tool = await failedTool(sdk, () => {
        throw Object.assign(new RangeError("too far"), { statusCode: 500, code: "E1" });
      });
      assert.deepEqual(
        [tool[statusCode], tool[code], tool[message], tool["error.type"]],
        [undefined, undefined, "too far", "RangeError"],
      );
    });
  }
});

async function failedTool(sdk: Sdk, execute: () => unknown) {
  const tracing = recording();
  const { generateText } = wrapped(tracing.telemetry, sdk, { recordErrors: true });
  await generateText({
    model: sdk.model({ generate: [toolAnswer("far")] }),
    prompt: "p",
    tools: { far: sdk.tool(execute) },
    stopWhen: sdk.stopAfter(1),
  });
  await allEnded(tracing);
  return attributesOf(tracing.runtime.spans.find(({ name }) => name === "execute_tool far"));
}

describe("what a cause says about a failed request", () => {
  const api = (options: object) =>
    new APICallError({ message: "no", url: "http://x.test", requestBodyValues: {}, ...options });

  test("is read from the data and the body of the SDK's error", () => {
    const anthropic = { type: "error", error: { type: "overloaded_error", message: "no" } };
    const expected = { statusCode: 529, code: "overloaded_error" };
    assert.deepEqual(failureOf(api({ statusCode: 529, data: anthropic })), expected);
    const responseBody = JSON.stringify(anthropic);
    assert.deepEqual(failureOf(api({ statusCode: 529, responseBody })), expected);
    const google = [{ error: { code: 429, status: "RESOURCE_EXHAUSTED" } }];
    assert.deepEqual(failureOf(api({ statusCode: 429, data: google[0] })), {
      statusCode: 429,
      code: "RESOURCE_EXHAUSTED",
    });
  });

  test("is read through causes and last errors, the outermost first", () => {
    const inner = api({ statusCode: 503, data: { error: { code: "busy" } } });
    const outer = Object.assign(new Error("outer", { cause: inner }), { statusCode: 429 });
    assert.deepEqual(failureOf(outer), { statusCode: 429, code: "busy" });
    const retried = Object.assign(new Error("retried"), { lastError: outer });
    assert.deepEqual(failureOf(retried), { statusCode: 429, code: "busy" });
    const circle: { cause?: unknown } = new Error("circle");
    circle.cause = circle;
    assert.deepEqual(failureOf(circle), { statusCode: undefined, code: undefined });
  });

  test("is nothing for errors that are no answers, and for values that throw", () => {
    const throwing = new Proxy(
      {},
      {
        get: () => {
          throw new Error("secret");
        },
      },
    );
    const system = Object.assign(new Error("no"), { code: "ECONNREFUSED" });
    for (const cause of [undefined, null, "text", 7, system, throwing, { statusCode: 1e9 }]) {
      assert.deepEqual(failureOf(cause), { statusCode: undefined, code: undefined });
    }
  });
});

class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** Reasons of aborts, and what is recorded of them. */
const reasons: readonly (readonly [string, unknown, string | undefined])[] = [
  ["no reason", undefined, undefined],
  ["a word", "user_left", "user_left"],
  ["a few words", "user stop", "user stop"],
  ["an Error of the caller's", new ClientGone("a secret"), "ClientGone"],
  ["an AbortError", new DOMException("a secret", "AbortError"), undefined],
  ["a sentence", "the user has closed the chat, a secret", undefined],
  ["a text with an id", "request 9f86d081 is gone", undefined],
  ["a UUID", "f47ac10b-58cc-4372-a567-0e02b2c3d479", undefined],
  ["a long word", "x".repeat(65), undefined],
  ["an empty text", "", undefined],
  ["a number", 7, undefined],
  ["an object", { why: "a secret" }, undefined],
];

/** Rejects with the reason of the signal when it aborts, as `fetch` does. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

for (const sdk of sdks) {
  describe(`a call of ai ${sdk.name} that its caller aborts`, () => {
    /** The ways to abort a call. `abort` is to be called once the call has begun. */
    const ways: Readonly<
      Record<
        string,
        (functions: Functions, abort: AbortController, reason: unknown) => Promise<unknown>
      >
    > = {
      "during a model call": (functions, abort, reason) => {
        const { signal } = abort;
        const model = sdk.model({
          generate: [
            () => {
              setImmediate(() => abort.abort(reason));
              return untilAborted(signal);
            },
          ],
        });
        return functions.generateText({ model, prompt: "p", maxRetries: 0, abortSignal: signal });
      },
      "during a tool": (functions, abort, reason) => {
        const { signal } = abort;
        const execute = () => {
          setImmediate(() => abort.abort(reason));
          return untilAborted(signal);
        };
        return functions.generateText({
          model: sdk.model({ generate: [toolAnswer("wait")] }),
          prompt: "p",
          tools: { wait: sdk.tool(execute) },
          stopWhen: sdk.stopAfter(2),
          maxRetries: 0,
          abortSignal: signal,
        });
      },
      "during a stream": async (functions, abort, reason) => {
        const { signal } = abort;
        const stream = new ReadableStream({
          start(controller) {
            for (const part of textParts("Hello")().slice(0, 4)) controller.enqueue(part);
            signal.addEventListener("abort", () => controller.error(signal.reason));
          },
        });
        const model = sdk.model({ stream: [() => stream] });
        const params = { model, prompt: "p", maxRetries: 0, abortSignal: signal, onError() {} };
        for await (const { type } of functions.streamText(params).fullStream) {
          if (type === "text-delta") abort.abort(reason);
        }
      },
    };
    for (const [way, call] of Object.entries(ways)) {
      test(`${way} has the reason on each span that ends with it, if it is an Error or a few words`, async () => {
        for (const [what, reason, expected] of reasons) {
          const tracing = recording();
          const functions = wrapped(tracing.telemetry, sdk);
          await outcomeOf(() => call(functions, new AbortController(), reason));
          await allEnded(tracing);
          const cancelled = tracing.runtime.spans
            .map((span) => attributesOf(span))
            .filter((attributes) => attributes["cloudflare.agents.canceled"] === true);
          assert.ok(cancelled.length > 0, what);
          for (const attributes of cancelled) {
            assert.equal(attributes["cloudflare.agents.abort.reason"], expected, what);
            assert.doesNotMatch(JSON.stringify(attributes), /secret/);
          }
          const others = tracing.runtime.spans.length - cancelled.length;
          // Only the model call that requested the tool had ended before.
          assert.equal(others, way === "during a tool" ? 1 : 0, what);
        }
      });
    }

    test("after a timeout has no reason, because it has failed", async () => {
      const tracing = recording();
      const functions = wrapped(tracing.telemetry, sdk);
      const timeout = new DOMException("late", "TimeoutError");
      const call = ways["during a model call"] as (typeof ways)[string];
      await outcomeOf(() => call(functions, new AbortController(), timeout));
      await allEnded(tracing);
      for (const span of tracing.runtime.spans) {
        assert.equal(attributesOf(span)["error.type"], "TimeoutError");
        assert.equal(attributesOf(span)["cloudflare.agents.abort.reason"], undefined);
      }
    });

    test("has the redacted reason", async () => {
      const tracing = recording();
      const redact = (key: string, value: string) =>
        key === "cloudflare.agents.abort.reason" ? "other" : value;
      const functions = wrapped(tracing.telemetry, sdk, { redact });
      const call = ways["during a model call"] as (typeof ways)[string];
      await outcomeOf(() => call(functions, new AbortController(), "user stop"));
      await allEnded(tracing);
      for (const span of tracing.runtime.spans) {
        assert.equal(attributesOf(span)["cloudflare.agents.abort.reason"], "other");
      }
    });
  });
}

test("a registered integration of v7 tells the reason that the SDK reports for a stream", async () => {
  const [v7] = sdks as [Sdk];
  const tracing = recording();
  keepAtExit(tracing.telemetry, undefined);
  const integrations = [createIntegration(tracing.telemetry, undefined)];
  const abort = new AbortController();
  const model = v7.model({ stream: [textParts("Hello ", "there")] });
  const { fullStream } = v7.namespace.streamText({
    model,
    prompt: "p",
    abortSignal: abort.signal,
    telemetry: { integrations },
  });
  for await (const { type } of fullStream) {
    if (type === "text-delta") abort.abort("user stop");
  }
  await allEnded(tracing);
  const [operation] = tracing.runtime.spans;
  assert.equal(attributesOf(operation)["cloudflare.agents.canceled"], true);
  assert.equal(attributesOf(operation)["cloudflare.agents.abort.reason"], "user stop");
});
