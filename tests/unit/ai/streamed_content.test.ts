import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../wasm/support/random.ts";
import { type Functions, type Sdk, sdks, streamOf, usage, wrapped } from "../support/ai_sdk.ts";
import { attributesOf, recording } from "../support/tracing.ts";

type Part = Readonly<Record<string, unknown>>;

const finishReason = { unified: "stop", raw: undefined };

/** Draws one part of the content that `doGenerate` returns. */
function drawPart(sdk: Sdk, random: Random, index: number, longest: number): Part {
  const isV7 = sdk.name === "v7";
  const text = () => `${index}é`.repeat(random.below(random.below(longest) + 1));
  const data = isV7 ? { type: "data", data: "aGVsbG8=" } : "aGVsbG8=";
  const ran = { toolCallId: `call-${index}`, toolName: "search", providerExecuted: true };
  const kinds: readonly (() => Part)[] = [
    () => ({ type: "text", text: text() }),
    () => ({ type: "text", text: text() }),
    () => ({ type: "reasoning", text: text() }),
    () => ({ type: "reasoning", text: text() }),
    () => ({ type: "file", mediaType: "image/png", data }),
    () => ({ type: "source", sourceType: "url", id: `${index}`, url: "https://example.com/a" }),
    () => ({ type: "tool-call", ...ran, dynamic: true, input: JSON.stringify({ q: index }) }),
    ...(isV7
      ? [
          () => ({ type: "reasoning-file", mediaType: "image/png", data }),
          () => ({ type: "custom", kind: "test.note" }),
        ]
      : []),
  ];
  return random.pick(kinds)();
}

/** Adds a result to each tool call. */
function withResults(parts: readonly Part[]): Part[] {
  return parts.flatMap((part) => {
    if (part["type"] !== "tool-call") return [part];
    const { toolCallId, toolName, providerExecuted, dynamic } = part;
    const result = { found: toolCallId };
    return [part, { type: "tool-result", toolCallId, toolName, providerExecuted, dynamic, result }];
  });
}

/** Streams content so that its blocks start in order, and the deltas of open blocks interleave at random. */
function interleave(content: readonly Part[], random: Random): Part[] {
  const chunks: Part[] = [{ type: "stream-start", warnings: [] }];
  // Ids are used again, and text and reasoning have the same ones.
  const free: Record<string, string[]> = { text: ["0", "1", "2"], reasoning: ["0", "1", "2"] };
  const open: { readonly type: string; readonly id: string; rest: string }[] = [];
  const advance = () => {
    const block = random.pick(open);
    const { type, id, rest } = block;
    if (rest === "") {
      open.splice(open.indexOf(block), 1);
      free[type]?.push(id);
      chunks.push({ type: `${type}-end`, id });
      return;
    }
    const length = 1 + random.below(8 + Math.floor(rest.length / 4));
    chunks.push({ type: `${type}-delta`, id, delta: rest.slice(0, length) });
    block.rest = rest.slice(length);
  };
  for (const part of content) {
    while (open.length > 0 && !random.once(3)) advance();
    const type = String(part["type"]);
    const ids = free[type];
    if (ids === undefined) {
      chunks.push(part);
      continue;
    }
    while (ids.length === 0) advance();
    const id = String(ids.splice(random.below(ids.length), 1)[0]);
    open.push({ type, id, rest: String(part["text"]) });
    chunks.push({ type: `${type}-start`, id });
  }
  while (open.length > 0) advance();
  return [...chunks, { type: "finish", finishReason, usage }];
}

/** Draws the content of an answer, and the stream of the same answer. */
function drawAnswer(sdk: Sdk, seed: number, longest: number) {
  const random = new Random(seed);
  const count = random.below(9);
  const content = withResults(
    Array.from({ length: count }, (_, index) => drawPart(sdk, random, index, longest)),
  );
  return { content, chunks: interleave(content, random) };
}

/** Returns gen_ai.output.messages of the only model call. */
async function recorded(sdk: Sdk, call: (functions: Functions) => PromiseLike<unknown>) {
  const tracing = recording();
  await call(wrapped(tracing.telemetry, sdk, { storeMessages: true }));
  const chat = tracing.runtime.spans.filter(({ name }) => name.startsWith("chat"));
  assert.equal(chat.length, 1);
  return String(attributesOf(chat[0])["gen_ai.output.messages"]);
}

const generated = (sdk: Sdk, content: readonly Part[]) =>
  recorded(sdk, ({ generateText }) => {
    const answer = { content, finishReason, usage, warnings: [] };
    return generateText({ prompt: "p", model: sdk.model({ generate: [() => answer] }) });
  });

const streamed = (sdk: Sdk, chunks: readonly Part[]) =>
  recorded(sdk, ({ streamText }) => {
    const model = sdk.model({ stream: [() => streamOf(chunks)] });
    return streamText({ prompt: "p", model, onError: () => {} }).consumeStream();
  });

/** Returns type and text of the parts that the SDK itself makes of a stream. */
async function contentOfSdk(sdk: Sdk, chunks: readonly Part[]) {
  const model = sdk.model({ stream: [() => streamOf(chunks)] });
  const result = sdk.namespace.streamText({ prompt: "p", model });
  const content = await (result as unknown as { content: PromiseLike<Part[]> }).content;
  return content.map(({ type, text }) => [String(type), text]);
}

/** The SDK's names of the types of recorded parts. */
const typesOfSdk: Readonly<Record<string, string>> = {
  tool_call: "tool-call",
  tool_call_response: "tool-result",
};

function partsIn(messages: string): Part[] {
  const [message] = JSON.parse(messages) as [{ parts: Part[] }];
  return message.parts;
}

for (const sdk of sdks) {
  describe(`the recorded content of a stream of ai ${sdk.name}`, () => {
    for (const [what, cases, longest] of [
      ["short", 120, 12],
      ["beyond the size of an attribute", 40, 40_000],
    ] as const) {
      test(`is what generateText records, part for part, however its blocks interleave: ${what}`, async () => {
        for (let seed = 0; seed < cases; seed += 1) {
          const { content, chunks } = drawAnswer(sdk, seed, longest);
          assert.equal(await streamed(sdk, chunks), await generated(sdk, content), `seed ${seed}`);
        }
      });
    }

    test("has the types and texts of the SDK's own content, empty blocks too", async () => {
      for (let seed = 1_000; seed < 1_120; seed += 1) {
        const { chunks } = drawAnswer(sdk, seed, 12);
        const parts = partsIn(await streamed(sdk, chunks)).map(({ type, content }, index) => {
          // A file is recorded by its kind, without a type of the SDK.
          if (type === "blob") return [chunkTypes(chunks)[index], undefined];
          return [typesOfSdk[String(type)] ?? type, content];
        });
        assert.deepEqual(parts, await contentOfSdk(sdk, chunks), `seed ${seed}`);
      }
    });

    test("has a delta whose block never started, and one after the end of its block", async () => {
      const parts = partsIn(
        await streamed(sdk, [
          { type: "stream-start", warnings: [] },
          { type: "text-delta", id: "lost", delta: "a" },
          { type: "reasoning-delta", id: "lost", delta: "b" },
          { type: "text-delta", id: "lost", delta: "c" },
          { type: "text-end", id: "lost" },
          { type: "text-delta", id: "lost", delta: "d" },
          { type: "finish", finishReason, usage },
        ]),
      );
      assert.deepEqual(parts, [
        { type: "text", content: "ac" },
        { type: "reasoning", content: "b" },
        { type: "text", content: "d" },
      ]);
    });

    test("tells how many parts of a long stream are missing", async () => {
      const source = { type: "source", sourceType: "url", id: "s", url: "https://example.com/" };
      const parts = partsIn(
        await streamed(sdk, [
          { type: "stream-start", warnings: [] },
          ...Array.from({ length: 1_200 }, () => source),
          ...Array.from({ length: 300 }, (_, index) => ({ type: "text-start", id: `${index}` })),
          { type: "text-delta", id: "299", delta: "kept nowhere" },
          { type: "finish", finishReason, usage },
        ]),
      );
      assert.deepEqual(parts.at(-1), { type: "omitted", parts: 500 });
      assert.equal(parts.length, 1_001);
    });

    test("leaves out the preliminary results of a tool that the provider runs", async () => {
      const ran = { toolCallId: "c", toolName: "search", providerExecuted: true, dynamic: true };
      const parts = partsIn(
        await streamed(sdk, [
          { type: "stream-start", warnings: [] },
          { type: "tool-call", ...ran, input: "{}" },
          { type: "tool-result", ...ran, result: "half", preliminary: true },
          { type: "tool-result", ...ran, result: "whole" },
          { type: "finish", finishReason, usage },
        ]),
      );
      assert.deepEqual(parts, [
        { type: "tool_call", id: "c", name: "search", arguments: {} },
        { type: "tool_call_response", id: "c", response: "whole" },
      ]);
    });
  });
}

/** Returns the SDK's types of the parts in their order. */
function chunkTypes(chunks: readonly Part[]): string[] {
  return chunks
    .map(({ type }) => String(type))
    .filter((type) => !/-(?:delta|end)$|^stream-start$|^finish$/.test(type))
    .map((type) => type.replace(/-start$/, ""));
}
