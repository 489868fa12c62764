import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  assertTree,
  describeSpans,
  type Shape,
  spanNamed,
  spanOf,
  spansOf,
  tracesOf,
} from "./harness/assertions.ts";

const canceled = "cloudflare.agents.canceled";
const finishReason = "cloudflare.agents.response.finish_reason";
const chat: Shape = { "chat scripted-1": [{ fetch: ["ScriptedProvider: POST /v1/chat"] }] };
const lookUp: Shape = {
  "execute_tool lookup_weather": [{ fetch: ["WeatherService: GET /current"] }],
};
const convert: Shape = { "execute_tool convert_temperature": ["to_fahrenheit"] };

for (const sdk of ["v7", "v6"]) {
  describe(`wrapAISDK around ai ${sdk} in workerd`, () => {
    let app: LocalWorker;
    before(async () => {
      app = await startApp("ai_sdk");
    });
    after(() => app.close());

    async function run(scenario: string, invocations = 1): Promise<[unknown, Span[]]> {
      const response = await app.fetch(`/${scenario}?sdk=${sdk}`);
      const body = await response.text();
      assert.equal(response.status, 200, body);
      const spans = await app.takeSpans({ invocations });
      assertAllClosed(spans);
      assert.doesNotMatch(JSON.stringify(spans.map((span) => span.attributes)), /secret/);
      return [JSON.parse(body), spans];
    }

    test("requests to the provider are under chat, the work of a tool is under execute_tool", async () => {
      const [text, spans] = await run("generate", 5);
      assert.match(String(text), /degrees Celsius in Lisbon/);
      assertTree(spans, [
        { "GET /generate": [{ "invoke_agent agent": [chat, lookUp, chat, convert, chat] }] },
      ]);
      const operation = spanOf(spans, "invoke_agent");
      assert.equal(operation.status, "unset");
      assertAttributes(operation, {
        "gen_ai.agent.name": "agent",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "scripted-1",
        "gen_ai.output.type": "text",
        "gen_ai.usage.input_tokens": 360,
        "gen_ai.usage.output_tokens": 78,
        "gen_ai.usage.cache_read.input_tokens": 128,
        "gen_ai.usage.cache_creation.input_tokens": 64,
        "gen_ai.usage.reasoning.output_tokens": 24,
        "cloudflare.agents.usage.total_tokens": 438,
        "cloudflare.agents.integration.name": "ai-sdk",
        "cloudflare.agents.operation.name": "generateText",
        "cloudflare.agents.tool.count": 2,
        [finishReason]: "stop",
        "gen_ai.request.stream": undefined,
        "gen_ai.input.messages": undefined,
      });
      const [first] = spansOf(spans, "chat") as [Span];
      assertAttributes(first, {
        "gen_ai.agent.name": "agent",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.response.id": /^resp_/,
        "gen_ai.response.model": "scripted-1",
        "cloudflare.agents.operation.name": "doGenerate",
        [finishReason]: "tool-calls",
      });
      assertAttributes(spanNamed(spans, "execute_tool lookup_weather"), {
        "gen_ai.tool.name": "lookup_weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call_weather",
        "gen_ai.tool.call.arguments": undefined,
      });
    });

    test("a stream read to its end has the same tree, and the time to its first chunk", async () => {
      const [text, spans] = await run("stream", 5);
      assert.match(String(text), /degrees Celsius in Lisbon/);
      assertTree(spans, [
        { "GET /stream": [{ "invoke_agent agent": [chat, lookUp, chat, convert, chat] }] },
      ]);
      assertAttributes(spanOf(spans, "invoke_agent"), {
        "gen_ai.request.stream": true,
        "gen_ai.usage.input_tokens": 360,
        "cloudflare.agents.operation.name": "streamText",
      });
      for (const span of spansOf(spans, "chat")) {
        assertAttributes(span, {
          "gen_ai.request.stream": true,
          "gen_ai.response.time_to_first_chunk": /^0\.\d+$/,
          "cloudflare.agents.operation.name": "doStream",
        });
      }
    });

    test("a failing tool fails its span alone", async () => {
      const [, spans] = await run("generate_failing_tool", 4);
      const failed = spanOf(spans, "execute_tool");
      assert.equal(failed.status, "error");
      assertAttributes(failed, { "error.type": "WeatherUnavailable" });
      assert.equal(spanOf(spans, "invoke_agent").status, "unset");
    });

    test("a rejected call fails chat and operation and rejects with the same cause", async () => {
      const [isSame, spans] = await run("generate_rejected");
      assert.equal(isSame, true);
      for (const operation of ["chat", "invoke_agent"]) {
        const span = spanOf(spans, operation);
        assert.equal(span.status, "error", describeSpans(spans));
        assertAttributes(span, { "error.type": "TypeError" });
      }
    });

    test("a retry is a second chat span", async () => {
      const [text, spans] = await run("generate_retried");
      assert.equal(text, "chunk0 ");
      const chats = spansOf(spans, "chat");
      assert.deepEqual(
        chats.map((span) => [span.status, span.attributes["error.type"]]),
        [
          ["error", "AI_APICallError"],
          ["unset", undefined],
        ],
      );
      assert.equal(spanOf(spans, "invoke_agent").status, "unset");
    });

    test("an aborted call is canceled, not failed", async () => {
      const [isSame, spans] = await run("generate_aborted");
      assert.equal(isSame, true);
      const operation = spanOf(spans, "invoke_agent");
      assert.equal(operation.status, "unset");
      assertAttributes(operation, { [canceled]: true, "error.type": undefined });
    });

    test("the body of a generator tool runs inside its span on every pull", async () => {
      const [, spans] = await run("generate_generator_tool");
      assertTree(spans, [
        {
          "GET /generate_generator_tool": [
            {
              "invoke_agent agent": [
                "chat given-1",
                { "execute_tool count": ["before_yield", "after_yield"] },
                "chat given-1",
              ],
            },
          ],
        },
      ]);
    });

    test("tools that run at once keep their own work", async () => {
      const [, spans] = await run("generate_parallel_tools");
      assertTree(spans, [
        {
          "GET /generate_parallel_tools": [
            {
              "invoke_agent agent": [
                "chat given-1",
                { "execute_tool slow": ["work_of_slow"] },
                { "execute_tool fast": ["work_of_fast"] },
                "chat given-1",
              ],
            },
          ],
        },
      ]);
    });

    test("a call inside a tool is an operation under that tool", async () => {
      const [, spans] = await run("generate_nested");
      assertTree(spans, [
        {
          "GET /generate_nested": [
            {
              "invoke_agent outer": [
                "chat given-1",
                { "execute_tool delegate": [{ "invoke_agent inner": ["chat given-1"] }] },
                "chat given-1",
              ],
            },
          ],
        },
      ]);
      assertAttributes(spanNamed(spans, "invoke_agent outer"), { "gen_ai.usage.input_tokens": 14 });
    });

    for (const [scenario, what] of [
      ["stream_break", "left by break"],
      ["stream_cancelled", "whose reader is cancelled"],
    ] as const) {
      test(`a stream ${what} is canceled at once, with its time to first chunk`, async () => {
        const [text, spans] = await run(scenario);
        assert.equal(text, "chunk0 ");
        const operation = spanOf(spans, "invoke_agent");
        assert.equal(operation.status, "unset");
        assertAttributes(operation, { [canceled]: true });
        assertAttributes(spanOf(spans, "chat"), {
          [canceled]: true,
          "gen_ai.response.time_to_first_chunk": /^0\.\d+$/,
        });
      });
    }

    test("an aborted stream is canceled", async () => {
      const [isShorter, spans] = await run("stream_aborted");
      assert.equal(isShorter, true);
      for (const operation of ["invoke_agent", "chat"]) {
        const span = spanOf(spans, operation);
        assert.equal(span.status, "unset");
        assertAttributes(span, { [canceled]: true, "error.type": undefined });
      }
    });

    test("an error inside a stream fails it and keeps the usage", async () => {
      const [hasError, spans] = await run("stream_error_part");
      assert.equal(hasError, true);
      const operation = spanOf(spans, "invoke_agent");
      assert.equal(operation.status, "error", describeSpans(spans));
      assertAttributes(operation, { "error.type": "RangeError", "gen_ai.usage.input_tokens": 7 });
    });

    test("a stream whose provider rejects is failed", async () => {
      const [hasError, spans] = await run("stream_rejected");
      assert.equal(hasError, true);
      for (const operation of ["chat", "invoke_agent"]) {
        const span = spanOf(spans, operation);
        assert.equal(span.status, "error", describeSpans(spans));
        assertAttributes(span, { "error.type": "TypeError" });
      }
    });

    test("a stream nobody reads, in no scope, keeps what was known at its start and claims no end", async () => {
      const [, spans] = await run("stream_unread");
      const operation = spanOf(spans, "invoke_agent");
      assert.equal(operation.status, "unset", describeSpans(spans));
      assertAttributes(operation, {
        "gen_ai.agent.name": "agent",
        "gen_ai.request.model": "given-1",
        "gen_ai.request.stream": true,
        "gen_ai.usage.output_tokens": undefined,
        [finishReason]: undefined,
        [canceled]: undefined,
      });
    });

    test("a client that disconnects cancels the stream's spans", async () => {
      const abort = new AbortController();
      const { body } = await app.fetch(`/stream_response?sdk=${sdk}`, { signal: abort.signal });
      await body?.getReader().read();
      abort.abort();
      const spans = await app.takeSpans();
      assertAllClosed(spans);
      assertAttributes(spanOf(spans, "invoke_agent"), { [canceled]: true });
    });

    test("200 concurrent requests lose no span and mix none up", async () => {
      const requests = 200;
      await Promise.all(
        Array.from({ length: requests }, async (_, index) => {
          const response = await app.fetch(`/generate?sdk=${sdk}&agent=agent-${index}`);
          assert.equal(response.status, 200, await response.text());
        }),
      );
      const spans = await app.takeSpans({ invocations: 5 * requests, timeoutMs: 60_000 });
      assertAllClosed(spans);
      const traces = tracesOf(spans);
      assert.equal(traces.size, requests);
      const agents = new Set<unknown>();
      for (const trace of traces.values()) {
        const agent = spanOf(trace, "invoke_agent").attributes["gen_ai.agent.name"];
        agents.add(agent);
        assertTree(trace, [
          { "GET /generate": [{ [`invoke_agent ${agent}`]: [chat, lookUp, chat, convert, chat] }] },
        ]);
        for (const span of [...spansOf(trace, "chat"), ...spansOf(trace, "execute_tool")]) {
          assertAttributes(span, { "gen_ai.agent.name": String(agent) });
        }
      }
      assert.equal(agents.size, requests);
    });

    test("the core has not trapped in any of this", async () => {
      const response = await app.fetch("/diagnostics");
      const diagnostics = (await response.json()) as Record<string, number>;
      assert.equal(diagnostics["traps"], 0, JSON.stringify(diagnostics));
      assert.equal(diagnostics["swallowed_errors"], 0, JSON.stringify(diagnostics));
    });
  });
}
