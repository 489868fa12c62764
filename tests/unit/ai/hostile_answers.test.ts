import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Functions,
  type Sdk,
  sdks,
  streamOf,
  textAnswer,
  textParts,
  usage,
  wrapped,
} from "../support/ai_sdk.ts";
import { untouchable, withThrowingGetter } from "../support/hostile.ts";
import { outcomeOf } from "../support/outcome.ts";
import { allEnded, recording, recordingWithTrapIn } from "../support/tracing.ts";

const finish = {
  type: "finish",
  finishReason: { unified: "stop", raw: undefined },
  usage,
};
const parts = textParts("a", "b")();
const throwingUsage = withThrowingGetter("inputTokens", { outputTokens: usage.outputTokens });

const ran = { toolCallId: "1", toolName: "t", providerExecuted: true, dynamic: true };
const toolCall = { type: "tool-call", input: "{}", ...ran };

// Streams of a provider that does not keep to its types.
const streams: Record<string, () => readonly unknown[]> = {
  "no parts at all": () => [],
  "no finish": () => parts.slice(0, 4),
  "parts of no known type": () => [parts[0], { type: "surprise", value: 1 }, ...parts.slice(1)],
  "a finish part whose type getter throws in places": () => [
    ...parts.slice(0, -1),
    withThrowingGetter("providerMetadata", finish),
  ],
  "usage whose getter throws": () => [...parts.slice(0, -1), { ...finish, usage: throwingUsage }],
  "untouchable usage": () => [...parts.slice(0, -1), { ...finish, usage: untouchable() }],
  "an untouchable finish reason": () => [
    ...parts.slice(0, -1),
    { ...finish, finishReason: untouchable() },
  ],
  "an untouchable part": () => [parts[0], untouchable(), ...parts.slice(1)],
  "response metadata with a throwing getter": () => [
    parts[0],
    withThrowingGetter("id", { type: "response-metadata" }),
    ...parts.slice(2),
  ],
  "an error part with an untouchable error": () => [
    parts[0],
    { type: "error", error: untouchable() },
  ],
  "an error part with a text": () => [...parts.slice(0, 4), { type: "error", error: "secret" }],
  "a tool of the provider's whose call cannot be read": () => [
    parts[0],
    withThrowingGetter("toolCallId", toolCall),
    ...parts.slice(1),
  ],
  "a tool of the provider's whose result cannot be read": () => [
    parts[0],
    toolCall,
    withThrowingGetter("result", { type: "tool-result", ...ran }),
    ...parts.slice(1),
  ],
  "a tool of the provider's whose result is untouchable": () => [
    parts[0],
    toolCall,
    { type: "tool-result", result: untouchable(), ...ran },
    ...parts.slice(1),
  ],
  "results of tools that nobody called": () => [
    parts[0],
    { type: "tool-result", result: 1, ...ran },
    ...parts.slice(1),
  ],
  "two finishes": () => [...parts, finish],
};

// What throws when it is read is counted.
const unreadable = new Set([
  "usage whose getter throws",
  "untouchable usage",
  "an untouchable finish reason",
  "an untouchable part",
  "response metadata with a throwing getter",
  "a tool of the provider's whose call cannot be read",
  "a tool of the provider's whose result cannot be read",
  "a tool of the provider's whose result is untouchable",
]);

const answers: Record<string, () => unknown> = {
  "usage whose getter throws": () => ({ ...textAnswer()(), usage: throwingUsage }),
  "a tool of the provider's whose result cannot be read": () => ({
    ...textAnswer()(),
    content: [toolCall, withThrowingGetter("result", { type: "tool-result", ...ran })],
  }),
  "an untouchable response": () => ({ ...textAnswer()(), response: untouchable() }),
  "content with a throwing getter": () => ({
    ...textAnswer()(),
    content: [{ type: "text", text: "a" }, withThrowingGetter("type")],
  }),
  "a response whose headers throw": () => ({
    ...textAnswer()(),
    response: withThrowingGetter("headers", { id: "r" }),
  }),
};

/** All that a consumer of a streamed answer can see. */
async function consumed({ streamText }: Functions, sdk: Sdk, chunks: readonly unknown[]) {
  const errors: string[] = [];
  const seen: string[] = [];
  const outcome = await outcomeOf(async () => {
    const result = streamText({
      prompt: "p",
      model: sdk.model({ stream: [() => streamOf(chunks)] }),
      onError: ({ error }: { error: unknown }) => errors.push(describeSafely(error)),
      maxRetries: 0,
    });
    result.text.then(undefined, () => {});
    for await (const part of result.fullStream) seen.push(part.type);
  });
  return [outcome.how, describeSafely(outcome.value), seen, errors];
}

function describeSafely(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "cannot be told";
  }
}

for (const sdk of sdks) {
  describe(`a provider of ai ${sdk.name} that streams`, () => {
    for (const [what, chunks] of Object.entries(streams)) {
      test(`${what} is seen by the consumer as without tracing, and all spans end`, async () => {
        const tracing = recording({ byteBudget: true });
        const direct = await consumed(sdk.namespace, sdk, chunks());
        const traced = await consumed(wrapped(tracing.telemetry, sdk), sdk, chunks());
        assert.deepEqual(traced, direct);
        await allEnded(tracing);
        const { spans } = tracing.runtime;
        assert.deepEqual(
          spans.filter((span) => !span.ended).map((span) => span.name),
          [],
        );
        assert.doesNotMatch(JSON.stringify(spans.map((span) => [...span.attributes])), /secret/);
        if (unreadable.has(what)) assert.ok(tracing.count("swallowed_errors") > 0, "no count");
      });
    }
  });

  describe(`a provider of ai ${sdk.name} that answers with`, () => {
    for (const [what, answer] of Object.entries(answers)) {
      test(`${what} is seen by the caller as without tracing, and all spans end`, async () => {
        const tracing = recording();
        const call = ({ generateText }: Functions) =>
          outcomeOf(async () => {
            const model = sdk.model({ generate: [answer] });
            return (await generateText({ prompt: "p", model, maxRetries: 0 })).text;
          });
        const direct = await call(sdk.namespace);
        const traced = await call(wrapped(tracing.telemetry, sdk));
        assert.deepEqual(
          [traced.how, describeSafely(traced.value)],
          [direct.how, describeSafely(direct.value)],
        );
        assert.ok(tracing.runtime.spans.length >= 2);
        assert.ok(tracing.runtime.spans.every((span) => span.ended));
      });
    }

    for (const thrown of [untouchable(), "secret", undefined, Object.freeze(new Error("secret"))]) {
      test(`${describeSafely(thrown)} thrown reaches the caller as it is`, async () => {
        const tracing = recording();
        const call = ({ generateText }: Functions) =>
          outcomeOf(() =>
            generateText({
              prompt: "p",
              maxRetries: 0,
              model: sdk.model({
                generate: [
                  () => {
                    throw thrown;
                  },
                ],
              }),
            }),
          );
        const direct = await call(sdk.namespace);
        const traced = await call(wrapped(tracing.telemetry, sdk));
        assert.equal(traced.how, direct.how);
        if (Object.is(direct.value, thrown)) assert.ok(Object.is(traced.value, thrown));
        assert.ok(tracing.runtime.spans.every((span) => span.ended));
      });
    }
  });

  describe(`a call of ai ${sdk.name} in which the core traps`, () => {
    for (const name of [
      "isotel_span_name",
      "isotel_provider_name",
      "isotel_span_open",
      "isotel_span_start",
      "isotel_span_reserve",
      "isotel_intern",
      "isotel_span_first_chunk",
      "isotel_span_end",
      "isotel_keys",
      "isotel_text",
    ]) {
      test(`in ${name} has its result, ends its spans, and the next call is traced`, async () => {
        const { runtime, telemetry } = recordingWithTrapIn(name);
        const { generateText, streamText } = wrapped(telemetry, sdk);
        const generate = async () =>
          (await generateText({ prompt: "p", model: sdk.model({ generate: [textAnswer()] }) }))
            .text;
        const stream = async () => {
          const model = sdk.model({ stream: [textParts("a", "b")] });
          let text = "";
          for await (const delta of streamText({ prompt: "p", model }).textStream) text += delta;
          return text;
        };
        assert.equal(await stream(), "ab");
        assert.equal(telemetry.host.traps, name === "isotel_span_reserve" ? 0 : 1);
        assert.ok(runtime.spans.every((span) => span.ended));
        const before = runtime.spans.length;
        assert.equal(await generate(), "Hello");
        assert.equal(await stream(), "ab");
        const after = runtime.spans.slice(before);
        assert.deepEqual(
          after.map((span) => [span.name, span.ended]),
          [
            ["invoke_agent", true],
            ["chat model-1", true],
            ["invoke_agent", true],
            ["chat model-1", true],
          ],
        );
        assert.equal(after[3]?.attributes.get("gen_ai.usage.input_tokens"), 100);
      });
    }
  });
}
