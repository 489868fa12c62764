import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Functions, sdks, textAnswer, textParts, wrapped } from "../support/ai_sdk.ts";
import { recording } from "../support/tracing.ts";

type Params = Readonly<Record<PropertyKey, unknown>>;

/** A result that can be read once. Its ways to read it use `this`. */
class CustomResult {
  readonly #parts = ["a", "b"];
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    // The SDK's low-memory result has own properties too.
    const { toUIMessageStreamResponse, consumeStream } = this;
    Object.defineProperties(this, {
      fullStream: { get: this.#stream, configurable: true },
      toUIMessageStreamResponse: { value: toUIMessageStreamResponse, configurable: true },
      consumeStream: { value: consumeStream, configurable: true },
    });
  }

  #stream(): ReadableStream {
    return new Blob([this.name, ...this.#parts]).stream();
  }

  toUIMessageStreamResponse(): Response {
    return new Response(this.name);
  }

  async consumeStream(): Promise<string> {
    return this.#parts.join("");
  }
}

for (const sdk of sdks) {
  /** A namespace with private state. */
  class CustomSdk {
    readonly #calls: string[] = [];
    readonly registerTelemetry: unknown = sdk.name === "v7" ? () => {} : undefined;
    readonly name = "custom";

    get calls(): readonly string[] {
      return this.#calls;
    }

    generateText(params: Params) {
      this.#calls.push("generateText");
      return sdk.namespace.generateText({ ...params, system: this.name });
    }

    streamText(): unknown {
      this.#calls.push("streamText");
      return new CustomResult(this.name);
    }

    forget(): number {
      return this.#calls.splice(0).length;
    }

    embed(params: Params) {
      this.#calls.push("embed");
      return (params["model"] as { doEmbed(): unknown }).doEmbed();
    }
  }

  describe(`a namespace of the user's own, over ai ${sdk.name}`, () => {
    test("gets itself as this in the methods that are traced", async () => {
      const { telemetry, runtime } = recording();
      const custom = new CustomSdk();
      const functions = wrapped(telemetry, { ...sdk, namespace: custom as unknown as Functions });
      const model = sdk.model({ generate: [textAnswer("Hello")] });
      assert.equal((await functions.generateText({ model, prompt: "p" })).text, "Hello");
      functions.streamText({ model, prompt: "p" });
      const { embed } = functions as unknown as CustomSdk;
      assert.throws(() => embed({ model: { doEmbed: () => 7 } }), TypeError);
      const embedder = { doEmbed: async () => ({ embeddings: [] }) };
      await (functions as unknown as CustomSdk).embed({ model: embedder });
      assert.deepEqual(custom.calls, ["generateText", "streamText", "embed"]);
      assert.deepEqual((functions as unknown as CustomSdk).calls, custom.calls);
      assert.equal((functions as unknown as CustomSdk).forget(), 3);
      assert.ok(functions instanceof CustomSdk);
      const names = runtime.spans.map((span) => span.name);
      assert.deepEqual(
        names.filter((name) => name === "invoke_agent"),
        ["invoke_agent", "invoke_agent"],
      );
    });

    test("gets results whose methods and getters have their own this", async () => {
      const { telemetry, runtime } = recording();
      const namespace = new CustomSdk() as unknown as Functions;
      const { streamText } = wrapped(telemetry, { ...sdk, namespace });
      const functions = wrapped(telemetry, { ...sdk, namespace });
      assert.equal(typeof streamText, "function");
      const model = sdk.model({});
      const resultOf = () =>
        functions.streamText({ model, prompt: "p" }) as unknown as CustomResult & {
          fullStream: ReadableStream;
        };
      assert.equal(await resultOf().toUIMessageStreamResponse().text(), "custom");
      assert.equal(await new Response(resultOf().fullStream).text(), "customab");
      assert.equal(await resultOf().consumeStream(), "ab");
      // An object that inherits from a result is the `this` of what it inherits.
      const heir = Object.create(resultOf(), { name: { value: "heir" } }) as CustomResult;
      assert.equal(await heir.toUIMessageStreamResponse().text(), "heir");
      assert.ok(runtime.spans.every((span) => span.ended));
    });
  });

  test(`callbacks of a call have the this of a plain call, in ${sdk.name}`, async () => {
    const seen = async ({ generateText, streamText }: Functions) => {
      const own: unknown[] = [];
      const note = function (this: unknown) {
        own.push(this);
      };
      const callbacks = { prepareStep: note, onStepFinish: note, onFinish: note, onError: note };
      const model = sdk.model({ generate: [textAnswer()], stream: [textParts("a")] });
      await generateText({ model, prompt: "p", ...callbacks });
      await streamText({ model, prompt: "p", ...callbacks }).consumeStream();
      return own;
    };
    const plain = await seen(sdk.namespace);
    assert.ok(plain.length > 3);
    assert.deepEqual(await seen(wrapped(recording().telemetry, sdk)), plain);
  });
}
