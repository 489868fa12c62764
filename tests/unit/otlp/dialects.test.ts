import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { encodeTraces } from "../../../bindings/otlp/core/encoder.ts";
import { type Dialect, dialects, listAttributes } from "../../../bindings/otlp/core/model.ts";
import { plainSpan } from "../../otlp/plain_span.ts";
import { RandomGenAi } from "../../otlp/random_gen_ai.ts";
import { readRequest } from "../../otlp_receiver/requests.ts";
import { Random } from "../../wasm/support/random.ts";

const fromPeers = createRequire(new URL("../../otlp/package.json", import.meta.url).href);
const { convertGenAISpanAttributesToOpenInferenceSpanAttributes: toOpenInference } = fromPeers(
  "@arizeai/openinference-genai",
) as {
  convertGenAISpanAttributesToOpenInferenceSpanAttributes: (attributes: Attributes) => Attributes;
};

type Attributes = Readonly<Record<string, unknown>>;

const scope = { name: "test", version: "" };

/** The attributes of a span in a dialect. Asserts that both formats have the same, each key once. */
function inDialect(dialect: Dialect | undefined, attributes: Attributes): Attributes {
  const span = { ...plainSpan, attributes: listAttributes(attributes) };
  const json = encodeTraces([span], {}, scope, "json", dialect).slice();
  const sent = JSON.parse(Buffer.from(json).toString());
  const keys = (sent.resourceSpans[0].scopeSpans[0].spans[0].attributes ?? []).map(
    ({ key }: { key: string }) => key,
  );
  assert.deepEqual(keys, [...new Set(keys)], "a key occurs twice");
  const protobuf = encodeTraces([span], {}, scope, "protobuf", dialect);
  const [ours] = readRequest(protobuf, false, false).items;
  assert.deepEqual(readRequest(json, true, false).items[0]?.attributes, ours?.attributes);
  return ours?.attributes ?? {};
}

function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const operation = "gen_ai.operation.name";
const chat = { [operation]: "chat" };

describe("OpenInference", () => {
  test("is what the vendor's converter makes of 2,000 spans, and nothing is lost", () => {
    let compared = 0;
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const { attributes, own } = new RandomGenAi(new Random(seed)).span();
      const ours = inDialect("openinference", { ...attributes, ...own });
      const theirs = toOpenInference({ ...attributes });
      for (const [key, expected] of Object.entries({ ...theirs, ...own })) {
        // A copy of what keeps its own key.
        if (key === "metadata.gen_ai.system_instructions") continue;
        // Only ours leaves them to the calls of an agent.
        if (attributes[operation] === "invoke_agent" && key.startsWith("llm.token_count."))
          continue;
        // Ours keeps the escapes of the text, theirs writes the JSON anew.
        const [mine, peers] =
          key in own ? [ours[key], expected] : [ours[key], expected].map(parsed);
        assert.deepEqual(mine, peers, `seed ${seed}: ${key} of ${JSON.stringify(attributes)}`);
        compared += 1;
      }
      const values = Object.values(ours).map((value) => JSON.stringify(value));
      for (const [key, value] of Object.entries(attributes)) {
        assert.ok(values.includes(JSON.stringify(value)), `seed ${seed}: ${key} is lost`);
      }
      const extra = Object.keys(ours).filter((key) => key.startsWith("llm.") && !(key in theirs));
      assert.deepEqual(
        extra.filter((key) => key.includes("messages") || key.includes("tools")),
        [],
        `seed ${seed}`,
      );
    }
    assert.ok(compared > 30_000, `${compared} attributes`);
  });

  test("has a picture with an address as an image, and one without as JSON", () => {
    const blob = { type: "blob", modality: "image", mime_type: "image/png", size: 12 };
    const uri = { type: "uri", modality: "image", uri: "https://a.example/\u00e9.png" };
    const messages = [{ role: "user", parts: [uri, blob] }];
    const ours = inDialect("openinference", {
      ...chat,
      "gen_ai.input.messages": JSON.stringify(messages),
    });
    const content = "llm.input_messages.0.message.contents";
    assert.equal(ours[`${content}.0.message_content.type`], "image");
    assert.equal(ours[`${content}.0.message_content.image.image.url`], uri.uri);
    assert.equal(ours[`${content}.0.message_content.text`], undefined);
    assert.equal(ours[`${content}.1.message_content.type`], "blob");
    assert.equal(ours[`${content}.1.message_content.text`], JSON.stringify(blob));
  });

  test("leaves messages that are not JSON as they are", () => {
    for (const text of ["", "[", '[{"role":"user","parts":[]}', "nothing", "[".repeat(100_000)]) {
      const ours = inDialect("openinference", { ...chat, "gen_ai.input.messages": text });
      assert.equal(ours["gen_ai.input.messages"], text);
      assert.equal(ours["input.value"], text);
      assert.equal(ours["input.mime_type"], "text/plain");
      assert.deepEqual(
        Object.keys(ours).filter((key) => key.startsWith("llm.")),
        [],
      );
    }
  });

  test("has at most 2,048 attributes of messages", () => {
    const messages = Array.from({ length: 5_000 }, () => ({ role: "user", parts: [] }));
    const ours = inDialect("openinference", {
      "gen_ai.input.messages": JSON.stringify(messages),
    });
    const roles = Object.keys(ours).filter((key) => key.startsWith("llm.input_messages."));
    assert.equal(roles.length, 2_048);
    assert.equal(ours["input.value"], JSON.stringify(messages));
  });
});

const usage = {
  "gen_ai.usage.input_tokens": 100,
  "gen_ai.usage.cache_read.input_tokens": 30,
  "gen_ai.usage.cache_creation.input_tokens": 10,
  "gen_ai.usage.output_tokens": 20,
  "gen_ai.usage.reasoning.output_tokens": 5,
  "cloudflare.agents.usage.total_tokens": 120,
};

describe("Langfuse", () => {
  test("counts each token once, and those of an agent at its calls", () => {
    const key = "langfuse.observation.usage_details";
    assert.deepEqual(JSON.parse(String(inDialect("langfuse", { ...chat, ...usage })[key])), {
      input: 60,
      input_cached_tokens: 30,
      input_cache_creation: 10,
      output: 15,
      output_reasoning_tokens: 5,
      total: 120,
    });
    const agent = { "gen_ai.operation.name": "invoke_agent", ...usage };
    assert.equal(inDialect("langfuse", agent)[key], "{}");
    const odd = {
      ...chat,
      "gen_ai.usage.input_tokens": 1,
      "gen_ai.usage.cache_read.input_tokens": 2,
    };
    assert.deepEqual(JSON.parse(String(inDialect("langfuse", odd)[key])), {
      input: 0,
      input_cached_tokens: 2,
    });
  });

  test("gets the time of the first chunk, for any day that Date knows", () => {
    const key = "langfuse.observation.completion_start_time";
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = new Random(seed);
      const startUnixMs = Math.floor((random.bits() / 2 ** 32) * 7_000_000_000_000);
      const ms = random.below(10_000);
      const attributes = listAttributes({
        ...chat,
        "gen_ai.response.time_to_first_chunk": ms / 1000,
      });
      const span = { ...plainSpan, startUnixMs, endUnixMs: startUnixMs + 10_000, attributes };
      const [sent] = readRequest(
        encodeTraces([span], {}, scope, "json", "langfuse"),
        true,
        false,
      ).items;
      const found = Date.parse(String(sent?.attributes[key]));
      // Seconds are a double, cut to milliseconds.
      assert.ok(Math.abs(found - startUnixMs - ms) <= 1, `${seed}: ${sent?.attributes[key]}`);
    }
  });

  test("gets costs in US dollars only", () => {
    const cost = { ...chat, "cloudflare.agents.usage.cost.amount": 0.25 };
    const key = "langfuse.observation.cost_details";
    const currency = "cloudflare.agents.usage.cost.currency";
    assert.equal(inDialect("langfuse", { ...cost, [currency]: "USD" })[key], '{"total":0.25}');
    assert.equal(inDialect("langfuse", cost)[key], '{"total":0.25}');
    assert.equal(inDialect("langfuse", { ...cost, [currency]: "EUR" })[key], undefined);
  });
});

describe("every dialect", () => {
  for (const dialect of Object.keys(dialects) as Dialect[]) {
    test(`${dialect} keeps what the user set, and adds nothing to spans without AI`, () => {
      const plain = { "http.route": "/a", "session.id": "s", n: 1, list: ["a"], map: { a: 1 } };
      assert.deepEqual(inDialect(dialect, plain), inDialect(undefined, plain));
      const kind = {
        openinference: "openinference.span.kind",
        langfuse: "langfuse.observation.type",
        langsmith: "langsmith.span.kind",
        braintrust: "braintrust.span_attributes.type",
        sentry: "sentry.op",
      }[dialect];
      assert.notEqual(inDialect(dialect, chat)[kind], undefined);
      assert.equal(inDialect(dialect, { ...chat, [kind]: "mine" })[kind], "mine");
      assert.equal(inDialect(dialect, { [kind]: "mine", ...chat })[kind], "mine");
    });

    test(`${dialect} loses nothing of 300 spans, and reads no value of the span before`, () => {
      const model = new RandomGenAi(new Random(7));
      const all = Array.from({ length: 300 }, () => model.span().attributes);
      const spans = all.map((attributes) => ({
        ...plainSpan,
        attributes: listAttributes(attributes),
      }));
      const together = readRequest(
        encodeTraces(spans, {}, scope, "protobuf", dialect),
        false,
        false,
      ).items;
      for (const [index, attributes] of all.entries()) {
        const alone = inDialect(dialect, attributes);
        assert.deepEqual(together[index]?.attributes, alone);
        const values = Object.values(alone).map((value) => JSON.stringify(value));
        for (const value of Object.values(attributes)) {
          assert.ok(values.includes(JSON.stringify(value)));
        }
      }
    });
  }

  test("does not rename attributes of resources, events and links", () => {
    const attributes = listAttributes({ "gen_ai.conversation.id": "c" });
    const event = { name: "e", unixMs: 1, attributes, droppedAttributesCount: 0 };
    const link = {
      traceId: plainSpan.traceId,
      spanId: plainSpan.spanId,
      traceState: "",
      flags: 1,
      isRemote: undefined,
      attributes,
      droppedAttributesCount: 0,
    };
    const span = { ...plainSpan, attributes, events: [event], links: [link] };
    const resource = { "gen_ai.conversation.id": "c" };
    for (const format of ["json", "protobuf"] as const) {
      const bytes = encodeTraces([span, span], resource, scope, format, "openinference");
      const text = Buffer.from(bytes).toString("latin1");
      assert.equal(text.split("session.id").length - 1, 2, format);
      assert.equal(text.split("gen_ai.conversation.id").length - 1, 5, format);
    }
  });
});

describe("the table has only keys that the vendors' packages have", () => {
  const table = readFileSync(`${import.meta.dirname}/../../../src/otlp/dialects.def`, "utf8");
  const keys = (dialect: string): string[] =>
    Array.from(
      table.matchAll(/^ISOTEL_DIALECT_ROW\((\w+), [^"]*"[^"]+", (\w+), "([^"]+)", "([^"]*)"\)$/gm),
    )
      .filter(([, of]) => of === dialect)
      .map(([, , , to]) => to as string);

  test("of OpenInference", () => {
    const { SemanticConventions } = fromPeers("@arizeai/openinference-semantic-conventions");
    const known = new Set<unknown>(Object.values(SemanticConventions));
    assert.ok(keys("kOpenInference").length > 40);
    for (const key of keys("kOpenInference")) assert.ok(known.has(key), key);
  });

  test("of Langfuse", () => {
    const { LangfuseOtelSpanAttributes } = fromPeers("@langfuse/core");
    const known = new Set<unknown>(Object.values(LangfuseOtelSpanAttributes));
    assert.ok(keys("kLangfuse").length > 10);
    for (const key of keys("kLangfuse")) {
      assert.ok(known.has(key) || key.startsWith("langfuse.observation.metadata."), key);
    }
  });

  test("of Sentry, none of them deprecated", () => {
    const { ATTRIBUTE_METADATA } = fromPeers("@sentry/conventions/attributes");
    assert.ok(keys("kSentry").length >= 4);
    for (const key of keys("kSentry")) {
      assert.ok(key in ATTRIBUTE_METADATA, key);
      assert.equal(ATTRIBUTE_METADATA[key].deprecation, undefined, key);
    }
  });
});
