import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import { utf8Length } from "../../bindings/base/bytes.ts";
import { Abi, ErrorCode, Field, Operation, Profile } from "../../bindings/core/abi.gen.ts";
import { Core } from "../../bindings/core/core.ts";
import { coreModule, root } from "./support/module.ts";
import { RawCore } from "./support/raw_core.ts";

const maxBufferBytes = 16 * 2 ** 20;
const maxInternedTexts = 4096;

let raw: RawCore;
let core: Core;
beforeEach(() => {
  raw = new RawCore();
  core = new Core(coreModule, (cause) => assert.fail(`the core trapped: ${cause}`));
});

describe("isotel_buffer", () => {
  test("the buffer keeps its content and its place while it is large enough", () => {
    const at = raw.exports.isotel_buffer(raw.context, 4096);
    raw.put("kept");
    assert.equal(raw.exports.isotel_buffer(raw.context, 10), at);
    assert.equal(raw.answer(4), "kept");
  });

  test("the buffer grows to its limit and no further", () => {
    assert.notEqual(raw.exports.isotel_buffer(raw.context, maxBufferBytes), 0);
    assert.equal(raw.exports.isotel_buffer(raw.context, maxBufferBytes + 1), 0);
    assert.equal(raw.exports.isotel_buffer(raw.context, 0xffffffff), 0);
    assert.ok(raw.memoryBytes >= maxBufferBytes);
  });
});

describe("a length beyond the buffer", () => {
  const calls: Record<string, (length: number) => number> = {
    isotel_span_name: (length) => raw.exports.isotel_span_name(raw.context, 2, length),
    isotel_cut_name: (length) => raw.exports.isotel_cut_name(raw.context, length),
    isotel_provider_name: (length) => raw.exports.isotel_provider_name(raw.context, length),
    isotel_metadata_key: (length) => raw.exports.isotel_metadata_key(raw.context, 0, length),
  };
  for (const [name, call] of Object.entries(calls)) {
    test(`is out of range for ${name}`, () => {
      raw.put("text");
      for (const length of [5, 0x7fffffff, 0xffffffff]) {
        assert.equal(call(length), ErrorCode.outOfRange);
      }
      assert.ok(call(4) >= 0);
    });
  }
});

describe("isotel_keys", () => {
  test("the keys of a profile are those of fields.def, in its order", () => {
    const table = readFileSync(join(root, "src/genai/fields.def"), "utf8");
    const rows = Array.from(table.matchAll(/^ISOTEL_FIELD\((.*)\)$/gm), ([, row = ""]) =>
      Array.from(row.matchAll(/"([^"]*)"/g), ([, key]) => key),
    );
    assert.equal(rows.length, Object.keys(Field).length);
    for (const profile of Object.values(Profile)) {
      const keys = raw.answer(raw.exports.isotel_keys(raw.context, profile)).split("\n");
      assert.deepEqual(
        keys,
        rows.map((row) => row[profile]),
      );
    }
  });

  test("a profile that is in no table is an error", () => {
    for (const profile of [2, 255, 0xffffffff]) {
      assert.equal(raw.exports.isotel_keys(raw.context, profile), ErrorCode.unknownProfile);
    }
  });
});

describe("isotel_intern and isotel_text", () => {
  const intern = (text: string) =>
    raw.exports.isotel_intern(raw.context, raw.put(text), Abi.maxFields);
  const textOf = (id: number) => raw.answer(raw.exports.isotel_text(raw.context, id));

  test("an interned text has one identifier, and the identifier gives it back", () => {
    for (const text of ["", "stop", "größer", "\u{1f389}", "a\0b", "x".repeat(10_000)]) {
      const id = intern(text);
      assert.notEqual(id, 0);
      assert.equal(intern(text), id);
      assert.equal(textOf(id), text);
    }
  });

  test("an identifier of nothing is an error", () => {
    for (const id of [0, 1_000_000, 0xffffffff]) {
      assert.equal(raw.exports.isotel_text(raw.context, id), ErrorCode.unknownText);
    }
  });

  test("past the limit of the table there are no identifiers, old ones stay, and the rest is counted", () => {
    const ids = Array.from({ length: maxInternedTexts + 10 }, (_, index) =>
      intern(`text ${index}`),
    );
    const refused = ids.filter((id) => id === 0).length;
    assert.ok(refused >= 10 && refused < 50, `${refused} refused`);
    assert.equal(raw.counters()["intern_overflows"], refused);
    assert.equal(textOf(ids[0] as number), "text 0");
    assert.equal(intern("text 0"), ids[0]);
  });

  test("a length beyond the buffer interns nothing", () => {
    const fresh = new RawCore();
    fresh.put("text");
    for (const length of [5, 0x7fffffff, 0xffffffff]) {
      assert.equal(fresh.exports.isotel_intern(fresh.context, length, Abi.maxFields), 0);
    }
  });

  test("the binding asks for each text once, and for no text that is too long", () => {
    const id = core.intern("stop");
    assert.notEqual(id, 0);
    assert.equal(core.intern("stop"), id);
    assert.notEqual(core.intern("length"), id);
    assert.equal(core.intern("x".repeat(1 << 20)), 0);
    assert.equal(core.counters()["intern_overflows"], 0);
  });

  test("the binding goes on without identifiers when the table is full", () => {
    for (let i = 0; i < maxInternedTexts; i += 1) core.intern(`text ${i}`);
    assert.equal(core.intern("one more"), 0);
    assert.equal(core.intern("text 1"), core.intern("text 1"));
    assert.ok((core.counters()["intern_overflows"] ?? 0) > 0);
  });
});

describe("isotel_span_name", () => {
  const prefixes = {
    [Operation.invokeAgent]: "invoke_agent",
    [Operation.chat]: "chat",
    [Operation.executeTool]: "execute_tool",
    [Operation.toolApproval]: "tool_approval",
    [Operation.embeddings]: "embeddings",
    [Operation.rerank]: "rerank",
    [Operation.generateContent]: "generate_content",
  };

  for (const [code, prefix] of Object.entries(prefixes)) {
    test(`the name is "${prefix} {target}", or the bare operation`, () => {
      const name = (target: string) => core.spanName(Number(code), target);
      const room = 64 - prefix.length - 1;
      assert.equal(name("gpt-x"), `${prefix} gpt-x`);
      assert.equal(name(""), prefix);
      assert.equal(name("x".repeat(room)), `${prefix} ${"x".repeat(room)}`);
      assert.equal(name("x".repeat(room + 1)), prefix);
      assert.equal(name("x".repeat(1 << 20)), prefix);
    });
  }

  test("every operation but the custom one has a prefix of its own", () => {
    const codes = Object.values(Operation).filter((code) => code !== Operation.custom);
    assert.deepEqual(codes.map(String), Object.keys(prefixes));
  });

  test("a custom span is named by its target, cut at a character", () => {
    assert.equal(core.spanName(Operation.custom, "work"), "work");
    assert.equal(core.spanName(Operation.custom, ""), "");
    assert.equal(core.spanName(Operation.custom, `${"x".repeat(63)}é`), "x".repeat(63));
  });

  test("the 64 bytes are bytes of UTF-8, not units or characters", () => {
    const room = 64 - "chat ".length;
    const fits = "é".repeat(Math.floor(room / 2));
    assert.equal(utf8Length(`chat ${fits}`), 63);
    assert.equal(core.spanName(Operation.chat, fits), `chat ${fits}`);
    assert.equal(core.spanName(Operation.chat, `${fits}é`), "chat");
    assert.equal(
      core.spanName(Operation.chat, "\u{1f389}".repeat(14)),
      `chat ${"\u{1f389}".repeat(14)}`,
    );
    assert.equal(core.spanName(Operation.chat, "\u{1f389}".repeat(15)), "chat");
  });

  test("an operation that is in no table is an error that is counted", () => {
    for (const code of [Object.keys(Operation).length, 255, 0xffffffff]) {
      const length = raw.exports.isotel_span_name(raw.context, code, raw.put("x"));
      assert.equal(length, ErrorCode.unknownOperation);
    }
    assert.equal(raw.counters()["unknown_codes"], 3);
    assert.equal(core.spanName(99, "x"), "");
  });
});

describe("isotel_cut_name", () => {
  test("a name of 64 bytes is kept, of a longer one the characters that fit", () => {
    assert.equal(core.cutName("x".repeat(64)), "x".repeat(64));
    assert.equal(core.cutName("x".repeat(65)), "x".repeat(64));
    assert.equal(core.cutName(`${"x".repeat(63)}é`), "x".repeat(63));
    assert.equal(core.cutName(`${"x".repeat(62)}é!`), `${"x".repeat(62)}é`);
    assert.equal(core.cutName(`${"x".repeat(61)}\u{1f389}`), "x".repeat(61));
    assert.equal(core.cutName(`${"x".repeat(62)}€`), "x".repeat(62));
    assert.equal(core.counters()["names_cut"], 5);
  });

  test("lone surrogates count as the three bytes they become", () => {
    assert.equal(core.cutName("\ud83c".repeat(30)), "\ud83c".repeat(21));
    assert.equal(core.cutName(`${"x".repeat(64)}\udf89`), "x".repeat(64));
  });

  test("a name of a megabyte is cut as any other", () => {
    assert.equal(core.cutName("n".repeat(1 << 20)), "n".repeat(64));
  });

  test("bytes that are not UTF-8 are cut at 64 at most", () => {
    const bytes = new Uint8Array(100).fill(0x80);
    assert.equal(raw.exports.isotel_cut_name(raw.context, raw.putBytes(bytes)), 64);
  });
});

describe("isotel_provider_name", () => {
  const names: Record<string, string> = {
    "openai.chat": "openai",
    OpenAI: "openai",
    openaix: "openaix",
    "azure-openai.chat": "azure.ai.openai",
    "azure.something": "azure.ai.inference",
    "google.vertex.chat": "gcp.vertex_ai",
    "google-vertex": "gcp.vertex_ai",
    "google.generative-ai": "gcp.gemini",
    google: "gcp.gemini",
    googles: "googles",
    "amazon-bedrock": "aws.bedrock",
    "bedrock.x": "aws.bedrock",
    "mistral.chat": "mistral_ai",
    "xai.chat": "x_ai",
    anthropic: "anthropic",
    cohere: "cohere",
    groq: "groq",
    deepseek: "deepseek",
    perplexity: "perplexity",
    "my-own": "my-own",
    "": "",
    "größer\u{1f389}": "größer\u{1f389}",
  };
  for (const [provider, name] of Object.entries(names)) {
    test(`"${provider}" is "${name}"`, () => {
      assert.equal(core.providerName(provider), name);
    });
  }
});

describe("isotel_metadata_key", () => {
  const key = (name: string, source: number = Abi.metadata) => core.metadataKey(source, name);

  test("an entry is recorded under the prefix of its source", () => {
    assert.equal(key("tenant"), "cloudflare.agents.metadata.tenant");
    assert.equal(key("tenant", Abi.runtimeContext), "cloudflare.agents.runtime_context.tenant");
    assert.equal(key("größer"), "cloudflare.agents.metadata.größer");
  });

  test("keys of identity are consumed, in both their forms", () => {
    const names = ["agentId", "agentName", "agentVersion", "conversationId"];
    const semconv = ["agent.id", "agent.name", "agent.version", "conversation.id"];
    for (const name of [...names, ...semconv.map((suffix) => `gen_ai.${suffix}`)]) {
      assert.equal(key(name), "", name);
      assert.equal(key(name, Abi.runtimeContext), "", name);
    }
    assert.equal(key("agentid"), "cloudflare.agents.metadata.agentid");
  });

  test("reserved keys stay as they are, userId becomes user.id", () => {
    const turn = ["request_id", "trigger", "admission", "channel", "continuation", "generation"];
    for (const suffix of turn) {
      const name = `cloudflare.agents.turn.${suffix}`;
      assert.equal(key(name), name);
      assert.equal(key(name, Abi.runtimeContext), name);
    }
    assert.equal(key("user.id"), "user.id");
    assert.equal(key("userId"), "user.id");
  });

  test("a source that is none is an error", () => {
    for (const source of [2, 0xffffffff]) {
      const length = raw.exports.isotel_metadata_key(raw.context, source, raw.put("k"));
      assert.equal(length, ErrorCode.outOfRange);
    }
  });
});
