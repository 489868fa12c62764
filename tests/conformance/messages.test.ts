import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  inputMessagesJson,
  outputMessagesJson,
  promptMessages,
  systemInstructionsJson,
} from "../../bindings/ai/content/messages.ts";
import { partsOf } from "../../bindings/ai/content/parts.ts";
import { messageViolations, schemas } from "./support/latest.ts";
import { type Schema, type SchemaError, schemaErrors } from "./support/schema.ts";

interface MessageCase {
  readonly name: string;
  readonly schema: string;
  readonly set: string;
  readonly valid: boolean;
  readonly instance: unknown;
  readonly errors?: readonly SchemaError[];
}

interface MessageCases {
  readonly schema_files: Readonly<Record<string, string>>;
  readonly inline_schemas: Readonly<Record<string, Schema>>;
  readonly cases: readonly MessageCase[];
}

const data = join(import.meta.dirname, "data");
const { schema_files, inline_schemas, cases } = JSON.parse(
  readFileSync(join(data, "message-cases.json"), "utf8"),
) as MessageCases;

function schemaNamed(name: string): Schema {
  const file = schema_files[name];
  if (file !== undefined) return JSON.parse(readFileSync(join(data, file), "utf8")) as Schema;
  const schema = inline_schemas[name];
  assert.ok(schema, `there is no schema ${name}`);
  return schema;
}

describe("the conventions' own cases", () => {
  for (const item of cases.filter(({ set }) => set === "main")) {
    test(`${item.name} is ${item.valid ? "valid" : "invalid"}`, () => {
      const found = schemaErrors(schemaNamed(item.schema), item.instance);
      assert.equal(found.length === 0, item.valid, JSON.stringify(found));
      for (const { path, keyword } of item.errors ?? []) {
        const isFound = found.some((error) => error.path === path && error.keyword === keyword);
        assert.ok(isFound, `${keyword} at ${path} is not among ${JSON.stringify(found)}`);
      }
    });
  }
});

const bytes = new Uint8Array([1, 2, 3]);
const circular: Record<string, unknown> = { self: undefined };
circular["self"] = circular;

/** Parts as the SDK and providers have them, and what may come in their place. */
const parts: readonly unknown[] = [
  "just text",
  { type: "text", text: "hello" },
  { type: "text" },
  { type: "reasoning", text: "hm" },
  { type: "image", image: bytes },
  { type: "image", image: "aGVsbG8=", mediaType: "image/png" },
  { type: "image", image: new URL("https://example.com/a.png?s=1") },
  { type: "file", data: bytes, mediaType: "audio/wav" },
  { type: "file", data: { type: "url", url: new URL("https://example.com/a") }, mediaType: "a/b" },
  { type: "file", data: { type: "reference", reference: { openai: "file_1" } }, mediaType: "a/b" },
  { type: "file" },
  { type: "reasoning-file", data: "aGVsbG8=", mediaType: "image/png" },
  { type: "tool-call", toolCallId: "1", toolName: "t", input: { a: 1 } },
  { type: "tool-call", toolCallId: "1", toolName: "t", input: '{"a":1}' },
  { type: "tool-call", toolCallId: "1", toolName: "t", input: "{no json" },
  { type: "tool-call", toolCallId: 7, toolName: 7, input: undefined },
  { type: "tool-call", toolCallId: "1", toolName: "t", input: circular },
  { type: "tool-result", toolCallId: "1", toolName: "t", output: { type: "text", value: "a" } },
  { type: "tool-result", toolCallId: "1", toolName: "t", output: { type: "json", value: null } },
  { type: "tool-result", toolCallId: "1", output: { type: "content", value: [{ type: "text" }] } },
  { type: "tool-result", toolCallId: "1", output: { type: "execution-denied" } },
  { type: "tool-result", result: "of a provider" },
  { type: "tool-error", toolCallId: "1", toolName: "t", error: "broken" },
  { type: "tool-approval-request", approvalId: "1", toolCallId: "1" },
  { type: "source", sourceType: "url", id: "1", url: "https://example.com" },
  { type: "custom", kind: "openai.compaction" },
  { type: "" },
  null,
  7,
];

describe("what the converters make of the SDK's messages", () => {
  for (const role of ["system", "user", "assistant", "tool", 7, undefined]) {
    test(`messages of role ${String(role)} are valid input messages`, () => {
      const prompt = [...parts.map((part) => ({ role, content: [part] })), { role }, null, "text"];
      const json = inputMessagesJson(promptMessages(prompt));
      assertValid("gen_ai.input.messages", json);
    });
  }

  test("prompts that are cut are valid input messages", () => {
    const long = "a word ".repeat(3_000);
    const prompt = Array.from({ length: 50 }, (_, index) => ({
      role: index === 0 ? "system" : "user",
      content: [{ type: "text", text: long }, ...parts],
    }));
    const json = inputMessagesJson(promptMessages(prompt));
    assert.match(json ?? "", /"omitted"/);
    assertValid("gen_ai.input.messages", json);
    assertValid("gen_ai.input.messages", inputMessagesJson(promptMessages(long)));
  });

  for (const reason of ["stop", "length", "content-filter", "tool-calls", "error", "other"]) {
    test(`answers that end with ${reason} are valid output messages`, () => {
      for (const finishReason of [reason, undefined]) {
        const json = outputMessagesJson(partsOf(parts), finishReason);
        assertValid("gen_ai.output.messages", json);
      }
    });
  }

  test("an answer that is cut is a valid output message", () => {
    const json = outputMessagesJson(partsOf("a word ".repeat(20_000)), "stop");
    assert.match(json ?? "", /bytes more/);
    assertValid("gen_ai.output.messages", json);
  });

  test("instructions of every form are valid system instructions", () => {
    const message = { role: "system", content: "Be brief." };
    for (const instructions of [
      "Be brief.",
      message,
      [message, message],
      "a word ".repeat(20_000),
    ]) {
      assertValid("gen_ai.system_instructions", systemInstructionsJson(instructions));
    }
  });
});

function assertValid(key: string, json: string | undefined): void {
  assert.ok(json !== undefined, `there is no ${key}`);
  assert.deepEqual(messageViolations(key, schemas[key] as Schema, json), [], json.slice(0, 400));
}
