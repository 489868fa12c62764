import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import { type Functions, sdks, textAnswer, wrapped } from "../support/ai_sdk.ts";
import { cyclic, revoked, untouchable, withThrowingGetter } from "../support/hostile.ts";
import { outcomeOf } from "../support/outcome.ts";
import { attributesOf, recording } from "../support/tracing.ts";

for (const sdk of sdks) {
  /** The operation span of a call with these parameters besides. */
  const operationOf = async (params: object, options?: AITelemetryOptions) => {
    const tracing = recording({ byteBudget: true });
    const { generateText } = wrapped(tracing.telemetry, sdk, options);
    const model = sdk.model({ generate: [textAnswer()] });
    const { text } = await generateText({ prompt: "p", model, ...params });
    assert.equal(text, "Hello");
    const [operation] = tracing.runtime.spans;
    assert.equal(operation?.ended, true);
    const attributes = attributesOf(operation);
    return {
      name: operation?.name,
      attributes,
      identity: ["id", "name", "version"].map((key) => attributes[`gen_ai.agent.${key}`]),
      conversation: attributes["gen_ai.conversation.id"],
      /** Attributes under the prefixes of metadata and runtime context, and user.id. */
      projected: Object.fromEntries(
        Object.entries(attributes).filter(([key]) =>
          /^(cloudflare\.agents\.(metadata|runtime_context|turn)\.|user\.id$)/.test(key),
        ),
      ),
      count: tracing.count,
    };
  };
  const metadata = (values: object) => ({ experimental_telemetry: { metadata: values } });
  const identity = {
    agentId: "id",
    agentName: "name",
    agentVersion: "version",
    conversationId: "conversation",
  };
  const semconvIdentity = {
    "gen_ai.agent.id": "id",
    "gen_ai.agent.name": "name",
    "gen_ai.agent.version": "version",
    "gen_ai.conversation.id": "conversation",
  };

  describe(`identity of a call of ai ${sdk.name}`, () => {
    for (const [where, params] of [
      ["metadata", metadata(identity)],
      ["metadata under semantic keys", metadata(semconvIdentity)],
      ["the telemetry option", { telemetry: { metadata: identity } }],
      ["runtimeContext", { runtimeContext: identity }],
      ["experimental_context", { experimental_context: identity }],
      ["runtimeContext under semantic keys", { runtimeContext: semconvIdentity }],
    ] as const) {
      test(`it is read from ${where}, and consumed there`, async () => {
        const operation = await operationOf(params);
        assert.deepEqual(operation.identity, ["id", "name", "version"]);
        assert.equal(operation.conversation, "conversation");
        assert.equal(operation.name, "invoke_agent name");
        assert.deepEqual(operation.projected, {});
      });
    }

    test("metadata goes before runtime context, and both before functionId, which is a name only", async () => {
      const experimental_telemetry = {
        functionId: "function",
        metadata: { agentId: "of metadata" },
      };
      const runtimeContext = { agentId: "of context", agentName: "of context" };
      const both = await operationOf({ experimental_telemetry, runtimeContext });
      assert.deepEqual(both.identity, ["of metadata", "of context", undefined]);
      const alone = await operationOf({ experimental_telemetry: { functionId: "function" } });
      assert.deepEqual(alone.identity, [undefined, "function", undefined]);
      assert.equal(alone.name, "invoke_agent function");
    });

    test("without any, the operation is bare", async () => {
      const operation = await operationOf({});
      assert.equal(operation.name, "invoke_agent");
      assert.deepEqual(operation.identity, [undefined, undefined, undefined]);
    });

    test("runtime context that the caller excludes names nobody", async () => {
      const operation = await operationOf({
        runtimeContext: identity,
        telemetry: { includeRuntimeContext: { agentName: false, conversationId: false } },
      });
      assert.deepEqual(operation.identity, ["id", undefined, "version"]);
      assert.equal(operation.conversation, undefined);
    });

    test("what is no text names nobody", async () => {
      for (const value of [1, true, "", null, {}, [], Symbol("s"), 1n]) {
        const operation = await operationOf(metadata({ agentName: value, agentId: value }));
        assert.deepEqual(operation.identity, [undefined, undefined, undefined]);
      }
    });
  });

  describe(`metadata of a call of ai ${sdk.name}`, () => {
    test("scalars and lists of one type are recorded on the operation span under the prefix, anything else is not", async () => {
      const { projected, count } = await operationOf(
        metadata({
          tenant: "a",
          seats: 3,
          paying: false,
          tags: ["a", "b"],
          ports: [1, 2],
          flags: [true, false],
          mixed: ["a", 1],
          objects: [{}],
          revoked: revoked(),
          object: {},
          nothing: null,
          absent: undefined,
          big: 1n,
          symbol: Symbol("s"),
          method() {},
        }),
      );
      assert.deepEqual(projected, {
        "cloudflare.agents.metadata.tenant": "a",
        "cloudflare.agents.metadata.seats": 3,
        "cloudflare.agents.metadata.paying": false,
        "cloudflare.agents.metadata.tags": ["a", "b"],
        "cloudflare.agents.metadata.ports": [1, 2],
        "cloudflare.agents.metadata.flags": [true, false],
      });
      assert.equal(count("attributes_dropped_type"), 2);
    });

    test("reserved keys stay as they are, and userId becomes user.id", async () => {
      const turn = ["request_id", "trigger", "admission", "channel", "continuation", "generation"];
      const entries = turn.map((key) => [`cloudflare.agents.turn.${key}`, key]);
      const { projected } = await operationOf(
        metadata({ ...Object.fromEntries(entries), userId: "u" }),
      );
      assert.deepEqual(projected, { ...Object.fromEntries(entries), "user.id": "u" });
    });

    test("of runtime context only what is included is recorded, by the call or by the wrapper", async () => {
      const runtimeContext = { tenant: "a", secret: "s", plan: "pro", agentName: "agent" };
      const of = async (telemetry: object, options?: AITelemetryOptions) =>
        (await operationOf({ runtimeContext, telemetry }, options)).projected;
      const tenant = { "cloudflare.agents.runtime_context.tenant": "a" };
      assert.deepEqual(await of({}), {});
      assert.deepEqual(
        await of({ includeRuntimeContext: { tenant: true, secret: false } }),
        tenant,
      );
      assert.deepEqual(await of({ includeRuntimeContext: ["tenant", "absent"] }), tenant);
      assert.deepEqual(await of({}, { includeRuntimeContext: ["tenant", "agentName"] }), tenant);
      assert.deepEqual(
        await of({ includeRuntimeContext: { plan: true } }, { includeRuntimeContext: ["tenant"] }),
        { ...tenant, "cloudflare.agents.runtime_context.plan": "pro" },
      );
    });

    test("metadata wins where both have a reserved key", async () => {
      const { projected } = await operationOf(
        {
          ...metadata({ userId: "of metadata" }),
          runtimeContext: { userId: "of context" },
        },
        { includeRuntimeContext: ["userId"] },
      );
      assert.deepEqual(projected, { "user.id": "of metadata" });
    });

    test("lists of the runtime context are recorded too, and reserved keys have none", async () => {
      const values = { tags: ["a"], userId: ["u"], "user.id": ["u"], agentName: ["n"] };
      const of = { "cloudflare.agents.runtime_context.tags": ["a"] };
      const { projected } = await operationOf(
        { runtimeContext: values },
        { includeRuntimeContext: Object.keys(values) },
      );
      assert.deepEqual(projected, of);
      assert.deepEqual(Object.keys((await operationOf(metadata(values))).projected), [
        "cloudflare.agents.metadata.tags",
      ]);
    });

    test("a list that does not fit is dropped and counted", async () => {
      const tags = Array.from({ length: 10_000 }, (_, index) => `tag-${index}`);
      const { projected, attributes, count } = await operationOf(metadata({ tags, tenant: "a" }));
      assert.deepEqual(projected, { "cloudflare.agents.metadata.tenant": "a" });
      assert.equal(attributes["otel.dropped_attributes_count"], 1);
      assert.equal(count("attributes_dropped_bytes"), 1);
    });

    test("redact replaces each text of a list, and drops those that it drops", async () => {
      const redact = (key: string, value: string) => {
        if (!key.startsWith("cloudflare.agents.metadata.")) return value;
        return value.startsWith("secret") ? undefined : `${value}!`;
      };
      const values = { tags: ["a", "secret-1", "b"], all: ["secret-2"], none: [] };
      const { projected } = await operationOf(metadata(values), { redact });
      assert.deepEqual(projected, {
        "cloudflare.agents.metadata.tags": ["a!", "b!"],
        "cloudflare.agents.metadata.none": [],
      });
    });

    test("user.id wins over userId in one source, whichever comes first", async () => {
      const explicit = { "user.id": "explicit" };
      const short = { userId: "short" };
      for (const values of [
        { ...explicit, ...short },
        { ...short, ...explicit },
      ]) {
        const expected = { "user.id": "explicit" };
        assert.deepEqual((await operationOf(metadata(values))).projected, expected);
        const { projected } = await operationOf(
          { runtimeContext: values },
          { includeRuntimeContext: Object.keys(values) },
        );
        assert.deepEqual(projected, expected);
      }
      const { projected } = await operationOf(
        { ...metadata(short), runtimeContext: explicit },
        { includeRuntimeContext: ["user.id"] },
      );
      assert.deepEqual(projected, { "user.id": "short" });
    });

    test("keys of the prototype are no metadata", async () => {
      const values = Object.create({ inherited: 1 }) as object;
      assert.deepEqual((await operationOf(metadata(values))).projected, {});
      const { projected } = await operationOf(
        { runtimeContext: {} },
        { includeRuntimeContext: ["toString", "__proto__"] },
      );
      assert.deepEqual(projected, {});
    });

    test("metadata of a megabyte is cut, and usage arrives all the same", async () => {
      const large = Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [`k${index}`, "x".repeat(1 << 20)]),
      );
      const { attributes } = await operationOf(metadata(large));
      assert.equal(attributes["gen_ai.usage.input_tokens"], 100);
      assert.equal(attributes["cloudflare.agents.usage.total_tokens"], 120);
      assert.equal(attributes["isotel.cut_attributes_count"], 10);
    });

    test("a thousand entries are limited to 128, and counted", async () => {
      const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 1]));
      const { attributes, projected } = await operationOf(metadata(many));
      assert.equal(Object.keys(projected).length, 128);
      assert.equal(attributes["otel.dropped_attributes_count"], 872);
    });
  });

  describe(`telemetry options of ai ${sdk.name} that are not what they should be`, () => {
    for (const [what, params] of [
      ["cyclic metadata", metadata(cyclic())],
      ["metadata with a throwing getter", metadata(withThrowingGetter("bad", { tenant: "a" }))],
      ["untouchable metadata", metadata(untouchable())],
      ["revoked metadata", metadata(revoked())],
      ["metadata that is a text", metadata("text" as never)],
      ["metadata that is a list", metadata(["a", "b"])],
      ["an untouchable context", { experimental_context: untouchable() }],
      ["keys of a megabyte", metadata({ ["k".repeat(1 << 20)]: 1 })],
      ["lone surrogates", metadata({ "\ud83c": "\udf89" })],
      ["included keys that are no text", { telemetry: { includeRuntimeContext: [1, null] } }],
      ["inclusion that is a text", { telemetry: { includeRuntimeContext: "tenant" } }],
    ] as const) {
      test(`${what} leaves the call as the SDK makes it`, async () => {
        const tracing = recording();
        const call = ({ generateText }: Functions) =>
          outcomeOf(async () => {
            const model = sdk.model({ generate: [textAnswer()] });
            return (await generateText({ prompt: "p", model, ...params })).text;
          });
        const direct = await call(sdk.namespace);
        const traced = await call(wrapped(tracing.telemetry, sdk));
        assert.deepEqual([traced.how, String(traced.value)], [direct.how, String(direct.value)]);
        assert.ok(tracing.runtime.spans.every((span) => span.ended));
      });
    }

    test("telemetry that is switched off gives no span at all", async () => {
      const tracing = recording();
      const { generateText } = wrapped(tracing.telemetry, sdk);
      for (const params of [
        { telemetry: { isEnabled: false } },
        { experimental_telemetry: { isEnabled: false } },
      ]) {
        const model = sdk.model({ generate: [textAnswer()] });
        await generateText({ prompt: "p", model, ...params });
      }
      assert.deepEqual(tracing.runtime.spans, []);
    });
  });
}
