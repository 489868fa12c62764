import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Sdk, sdks, textAnswer, toolAnswer, usage, wrapped } from "../support/ai_sdk.ts";
import { measuring, runtimes } from "../support/measuring.ts";
import { attributesOf, recording, spanNamed } from "../support/tracing.ts";

const secret = (path: string) =>
  `https://user:SECRETPW@files.example${path}?sig=SECRETQ&page=2#token=SECRETFRAG`;
const clean = (path: string) => `https://files.example${path}`;

const sourceAnswer = (sdk: Sdk) => () => ({
  content: [
    { type: "source", sourceType: "url", id: "s-1", url: secret("/source"), title: "A source" },
    {
      type: "file",
      mediaType: "image/png",
      data: sdk.name === "v7" ? { type: "data", data: "aGVsbG8=" } : "aGVsbG8=",
    },
    { type: "text", text: "Done." },
  ],
  finishReason: { unified: "stop", raw: undefined },
  usage,
  warnings: [],
});

/** A model that takes addresses itself: the SDK downloads nothing. */
function modelOf(sdk: Sdk) {
  const model = sdk.model({ generate: [toolAnswer("look_up"), sourceAnswer(sdk), textAnswer()] });
  return Object.defineProperty(model, "supportedUrls", { value: { "*/*": [/^/] } });
}

const messages = [
  {
    role: "user",
    content: [
      { type: "text", text: "Compare these." },
      { type: "image", image: new URL(secret("/a.png")) },
      { type: "image", image: secret("/b.png") },
      { type: "file", data: new URL(secret("/c.pdf")), mediaType: "application/pdf" },
      { type: "file", data: secret("/d.pdf"), mediaType: "application/pdf" },
    ],
  },
];

describe("recorded content", () => {
  for (const sdk of sdks) {
    test(`has addresses of media, sources and tool values without their secrets, in ${sdk.name}`, async () => {
      const tracing = recording();
      const seen: string[] = [];
      const functions = wrapped(tracing.telemetry, sdk, {
        semconv: "latest",
        storeMessages: true,
        storeTools: true,
        redact: (_key, value) => {
          seen.push(value);
          return value;
        },
      });
      // Version 6 clones what a tool answers, which no URL can be.
      const urls = [new URL(secret("/tool")), new URL("s3://key:SECRETPW@bucket/x?sig=SECRETQ")];
      const answer = {
        failed: new Error(`cannot reach ${secret("/error")}`),
        ...(sdk.name === "v7" && { urls }),
      };
      const tool = sdk.tool(() => answer);
      await functions.generateText({
        model: modelOf(sdk),
        messages,
        tools: { look_up: tool },
        stopWhen: sdk.stopAfter(2),
      });
      const told = tracing.runtime.spans.map((span) => attributesOf(span));
      for (const text of [JSON.stringify(told), seen.join()]) {
        assert.doesNotMatch(text, /SECRET/);
        for (const path of ["/a.png", "/b.png", "/c.pdf", "/d.pdf"]) {
          assert.ok(text.includes(clean(path)), path);
        }
        const expected =
          sdk.name === "v7" ? ["@files.example/tool?sig=REDACTED&page=2#", "@bucket/x"] : [];
        for (const url of expected) assert.ok(text.includes(url), url);
      }
      assert.equal(tracing.count("swallowed_errors"), 0);
    });

    test(`has what was said verbatim, in ${sdk.name}`, async () => {
      const tracing = recording();
      const functions = wrapped(tracing.telemetry, sdk, { storeMessages: true });
      const prompt = `Read ${secret("/said")}`;
      await functions.generateText({
        model: sdk.model({ generate: [textAnswer(prompt)] }),
        prompt,
      });
      const chat = attributesOf(spanNamed(tracing, "chat model-1"));
      for (const key of ["gen_ai.input.messages", "gen_ai.output.messages"]) {
        assert.ok(String(chat[key]).includes(prompt), key);
      }
    });
  }
});

test("a model that is named by an address has its spans without the secrets of it", async () => {
  for (const sdk of sdks) {
    const tracing = recording();
    const functions = wrapped(tracing.telemetry, sdk);
    const modelId = "https://u:SECRETPW@m.example/gpt";
    await functions.generateText({
      model: sdk.model({ modelId, generate: [textAnswer()] }),
      prompt: "p",
    });
    const names = tracing.runtime.spans.map(({ name }) => name);
    assert.ok(names.includes("chat https://REDACTED:REDACTED@m.example/gpt"), names.join());
    const told = JSON.stringify(tracing.runtime.spans.map((span) => attributesOf(span)));
    assert.doesNotMatch(told, /SECRET/);
  }
});

describe("names that are addresses", () => {
  const address = "https://u:SECRETPW@m.example/x?token=SECRETQ";
  const clean = "https://REDACTED:REDACTED@m.example/x?token=REDACTED";

  for (const sdk of sdks) {
    test(`have no secrets in spans, in labels of metrics, and when \`redact\` sees them, in ${sdk.name}`, async () => {
      const seen: string[] = [];
      const redact = (_key: string, value: string) => {
        seen.push(value);
        return value;
      };
      const cases = [runtimes.traced, runtimes.untraced].flatMap((makeRuntime) =>
        [{}, { redact }, { semconv: "latest" as const }].map((options) => ({
          makeRuntime,
          options,
        })),
      );
      for (const { makeRuntime, options } of cases) {
        const runtime = makeRuntime();
        const own = measuring(runtime);
        const functions = wrapped(own.telemetry, sdk, options);
        const tool = sdk.tool(() => {
          throw Object.assign(new Error("failed"), { name: address });
        });
        await functions.generateText({
          model: sdk.model({
            modelId: address,
            provider: address,
            generate: [
              toolAnswer(address),
              () => ({ ...textAnswer()(), response: { id: address, modelId: address } }),
            ],
          }),
          prompt: "p",
          stopSequences: [address],
          tools: { [address]: tool },
          stopWhen: sdk.stopAfter(2),
          experimental_telemetry: { functionId: address },
        });
        const { text } = own.collect();
        const spans = JSON.stringify(runtime.spans.map((span) => [span.name, attributesOf(span)]));
        for (const told of [text, spans, seen.join()]) assert.doesNotMatch(told, /SECRET/);
        for (const label of ["request_model", "response_model", "provider_name", "tool_name"]) {
          assert.ok(text.includes(`gen_ai_${label}="${clean}"`), label);
        }
        // The name of an error that is no identifier is left out as a whole.
        for (const label of [`gen_ai_agent_name="${clean}"`, 'error_type="Error"']) {
          assert.ok(text.includes(label), label);
        }
      }
      assert.ok(seen.includes(clean), "redact saw no address");
    });
  }
});
