import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withInvocationScope } from "../../../bindings/trace/invocation_scope.ts";
import { sdks, streamOf, textAnswer, textParts, wrapped } from "../support/ai_sdk.ts";
import { attributesOf, recording, spanNamed } from "../support/tracing.ts";

// Model calls that start after their operation has ended. The SDK continues with a call although it was aborted.

const canceled = "cloudflare.agents.canceled";
const never = () => new Promise<never>(() => {});
const nextTask = () => new Promise((resolve) => setTimeout(resolve));

/** Runs a body as an invocation that does not wait for it, or without an invocation. */
const scopes: Readonly<Record<string, (body: () => void) => void>> = {
  "after its invocation": (body) => withInvocationScope(body),
  "without an invocation": (body) => body(),
};

for (const sdk of sdks) {
  describe(`a model call of ai ${sdk.name} that starts after its operation and its invocation`, () => {
    /** Starts a model call late. Returns its span when it has had time to end. */
    const lateCall = async (answer: (signal: AbortSignal) => unknown) => {
      const tracing = recording();
      const { generateText } = wrapped(tracing.telemetry, sdk);
      const model = Object.assign(sdk.model({}), {
        doGenerate: async ({ abortSignal }: { abortSignal: AbortSignal }) => answer(abortSignal),
      });
      const abortSignal = AbortSignal.abort("enough");
      let prepare = () => {};
      const prepared = new Promise<void>((resolve) => {
        prepare = resolve;
      });
      withInvocationScope(() => {
        const prepareStep = () => prepared.then(() => ({}));
        generateText({ model, prompt: "p", abortSignal, prepareStep, maxRetries: 0 }).catch(
          () => {},
        );
      });
      await nextTask();
      assert.equal(spanNamed(tracing, "invoke_agent").ended, true);
      prepare();
      await nextTask();
      assert.equal(tracing.count("swallowed_errors"), 0);
      assert.equal(tracing.count("double_ends"), 0);
      return spanNamed(tracing, "chat model-1");
    };

    test("is canceled if the model never settles", async () => {
      const span = await lateCall(never);
      assert.equal(span.ended, true);
      assert.equal(attributesOf(span)[canceled], true);
      assert.equal(attributesOf(span)["cloudflare.agents.abort.reason"], "enough");
    });

    test("is canceled if the model stops", async () => {
      const span = await lateCall((signal) => signal.throwIfAborted());
      assert.equal(span.ended, true);
      assert.equal(attributesOf(span)[canceled], true);
    });

    test("has the usage of a model that answers at once", async () => {
      const span = await lateCall(textAnswer());
      assert.equal(attributesOf(span)["gen_ai.usage.input_tokens"], 100);
      assert.equal(attributesOf(span)[canceled], undefined);
    });
  });
}

describe("a stream of ai v7 that was aborted before", () => {
  const [v7] = sdks as [(typeof sdks)[0]];
  for (const [when, run] of Object.entries(scopes)) {
    for (const [what, doStream] of [
      ["never settles", never],
      ["answers", async () => ({ stream: streamOf(textParts("Hello")()) })],
    ] as const) {
      test(`has no open spans ${when} if its model ${what}`, async () => {
        const tracing = recording();
        const { streamText } = wrapped(tracing.telemetry, v7);
        const model = Object.assign(v7.model({}), { doStream });
        const abortSignal = AbortSignal.abort();
        let read: Promise<unknown> | undefined;
        run(() => {
          const result = streamText({ model, prompt: "p", abortSignal });
          read = Promise.resolve(result.consumeStream());
        });
        await read;
        await nextTask();
        const ends = tracing.runtime.spans.map((span) => [
          span.name,
          span.ended,
          attributesOf(span)[canceled],
        ]);
        assert.deepEqual(ends, [
          ["invoke_agent", true, true],
          ["chat model-1", true, true],
        ]);
      });
    }
  }
});
