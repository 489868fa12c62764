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
} from "./harness/assertions.ts";

const canceled = "cloudflare.agents.canceled";
const chat1: Shape = { "chat chat-1": ["provider_work"] };
const chat2: Shape = { "chat chat-2": ["provider_work"] };
const embeddings: Shape = { "embeddings embed-1": ["provider_work"] };

for (const major of ["v6", "v7"]) {
  describe(`functions and agents of ai ${major} in workerd`, () => {
    let app: LocalWorker;
    before(async () => {
      app = await startApp("ai_functions");
    });
    after(() => app.close());

    async function run(scenario: string): Promise<[unknown, Span[], string]> {
      const response = await app.fetch(`/${scenario}?major=${major}`);
      const body = await response.text();
      assert.equal(response.status, 200, body);
      const spans = await app.takeSpans();
      assertAllClosed(spans);
      assert.doesNotMatch(JSON.stringify(spans.map((span) => span.attributes)), /secret/);
      const isJson = response.headers.get("content-type") === "application/json";
      return [isJson ? JSON.parse(body) : body, spans, `GET /${scenario}`];
    }

    test("the namespace keeps what is not wrapped, and names and lengths of what is", async () => {
      const [seen] = await run("namespace");
      const { names, ...rest } = seen as { names: string[] };
      assert.deepEqual(names, []);
      for (const [what, is] of Object.entries(rest)) assert.equal(is, true, what);
    });

    test("an agent's class is a subclass of the SDK's with its name, its length and its alias", async () => {
      const [seen] = await run("agent_class");
      assert.deepEqual(seen, {
        isPlain: true,
        isTraced: true,
        isAlias: true,
        name: true,
        length: true,
        generate: true,
        id: "a",
        version: "agent-v1",
      });
    });

    test("a user's subclass that overrides generate is traced once and keeps its own members", async () => {
      const [seen, spans, root] = await run("agent_subclass");
      assert.deepEqual(seen, ["counting", "done 1"]);
      assertTree(spans, [{ [root]: [{ "invoke_agent counter": [chat1] }] }]);
      assertAttributes(spanOf(spans, "invoke_agent"), {
        "gen_ai.agent.id": "counter",
        "gen_ai.agent.name": "counter",
        "cloudflare.agents.operation.name": "ToolLoopAgent.generate",
        "gen_ai.usage.input_tokens": 7,
      });
    });

    test("prepareCall gets what it always got and the model it swaps in has the chat span", async () => {
      const [seen, spans, root] = await run("agent_prepare_call");
      const [plain, wrapped] = seen as unknown[];
      assert.deepEqual(wrapped, plain);
      assertTree(spans, [{ [root]: ["provider_work", { "invoke_agent first": [chat2] }] }]);
    });

    test("a prepareCall that rejects fails the agent's span and rejects with the same cause", async () => {
      const [seen, spans] = await run("agent_prepare_call_fails");
      assert.deepEqual(seen, [true, true]);
      const operations = spansOf(spans, "invoke_agent");
      assert.equal(operations.length, 2, describeSpans(spans));
      for (const operation of operations) {
        assertAttributes(operation, { "error.type": "RangeError" });
      }
    });

    test("calls of one agent at once are operations of their own", async () => {
      const [, spans, root] = await run("agent_concurrent");
      const operation: Shape = { "invoke_agent one": [chat1] };
      assertTree(spans, [{ [root]: [operation, operation, operation, operation] }]);
    });

    test("an agent called by a tool of another is under that tool", async () => {
      const [text, spans, root] = await run("agent_in_tool");
      assert.equal(text, "done");
      const delegate: Shape = { "execute_tool delegate": [{ "invoke_agent inner": [chat2] }] };
      assertTree(spans, [{ [root]: [{ "invoke_agent outer": [chat1, delegate, chat1] }] }]);
    });

    test("createAgentUIStreamResponse runs an agent inside its span, which ends with the response", async () => {
      const [body, spans, root] = await run("agent_ui");
      assert.match(String(body), /done/);
      assertTree(spans, [{ [root]: [{ "invoke_agent ui": [chat1] }] }]);
      assertAttributes(spanOf(spans, "invoke_agent"), {
        "gen_ai.usage.output_tokens": 3,
        [canceled]: undefined,
      });
    });

    test("DirectChatTransport runs an agent inside its span", async () => {
      const [, spans, root] = await run("agent_transport");
      assertTree(spans, [{ [root]: [{ "invoke_agent direct": [chat1] }] }]);
    });

    test("an agent of the unwrapped class stays untraced", async () => {
      const [, spans, root] = await run("agent_unwrapped");
      assertTree(spans, [{ [root]: ["provider_work"] }]);
    });

    test("a model that prepareStep swaps in has the chat span of its step", async () => {
      const [seen, spans] = await run("prepare_step");
      const functions = ["generateText", "streamText", "experimental_streamTextLowMemory"];
      const names = major === "v7" ? functions : functions.slice(0, 2);
      assert.ok((seen as unknown[]).every((isSame) => isSame === true));
      for (const name of names) {
        const operation = spanNamed(spans, `invoke_agent ${name}`);
        const children = spans.filter((span) => span.parentSpanId === operation.spanId);
        assert.deepEqual(
          children.map((span) => span.name),
          ["chat chat-1", "execute_tool look", "chat chat-2"],
          describeSpans(spans),
        );
      }
    });

    test("enrich and redact have their say on the spans of requests", async () => {
      const [, spans] = await run("hooks");
      assertAttributes(spanNamed(spans, "embeddings hidden"), {
        "gen_ai.request.model": "hidden",
        "app.span": "embeddings of embed-1",
      });
    });

    test("a model inside middleware has one chat span", async () => {
      const [, spans, root] = await run("middleware");
      assertTree(spans, [{ [root]: [{ invoke_agent: [chat1] }] }]);
    });

    test("embed called by a tool is under that tool", async () => {
      const [, spans, root] = await run("embed_in_tool");
      const search: Shape = { "execute_tool search": [embeddings] };
      assertTree(spans, [{ [root]: [{ invoke_agent: [chat1, search, chat1] }] }]);
    });

    test("embed called where the active span has ended is traced", async () => {
      const [, spans] = await run("embed_after_operation");
      assert.equal(spansOf(spans, "embeddings").length, 1, describeSpans(spans));
    });

    test("frozen models are observed like others", async () => {
      const [seen, spans, root] = await run("frozen_models");
      assert.deepEqual(seen, ["done", { tokens: 2 }]);
      assertTree(spans, [{ [root]: [{ invoke_agent: [chat1] }, embeddings] }]);
    });

    test("methods and getters of a model run on the model, which may have private members", async () => {
      const [seen, spans, root] = await run("private_members");
      assert.equal(seen, 2);
      assertTree(spans, [{ [root]: [embeddings, embeddings] }]);
    });

    test("models and providers of specification v2 are observed, each request once", async () => {
      const [text, spans, root] = await run("model_of_v2");
      assert.equal(text, "done");
      assertTree(spans, [
        {
          [root]: [
            { invoke_agent: ["chat chat-1"] },
            { invoke_agent: ["chat chat-2"] },
            embeddings,
          ],
        },
      ]);
    });

    test("ids that cannot be resolved fail as they do without wrapping", async () => {
      const [seen] = await run("unresolvable_ids");
      const endings = seen as unknown[];
      assert.ok(endings.length > 0);
      for (let index = 0; index < endings.length; index += 2) {
        assert.deepEqual(endings[index + 1], endings[index]);
        assert.notEqual(endings[index], "fulfilled");
      }
    });

    test("an answer that does not fit the schema fails the operation and not the model's call", async () => {
      const [seen, spans] = await run("unfitting_object");
      const [generated, streamed, finished] = seen as [{ name: string }, { name: string }, unknown];
      assert.equal(generated.name, "AI_NoObjectGeneratedError");
      assert.equal(streamed.name, "AI_NoObjectGeneratedError");
      assert.deepEqual(finished, ["AI_NoObjectGeneratedError"]);
      const operations = spansOf(spans, "invoke_agent");
      assert.equal(operations.length, 2);
      for (const operation of operations) {
        assert.equal(operation.status, "error", describeSpans(spans));
        assertAttributes(operation, {
          "error.type": "AI_NoObjectGeneratedError",
          "gen_ai.usage.input_tokens": 7,
        });
      }
      for (const chat of spansOf(spans, "chat")) assert.equal(chat.status, "unset");
    });

    test("the core has not trapped and nothing was swallowed in any of this", async () => {
      const diagnostics = (await (await app.fetch("/diagnostics")).json()) as object;
      await app.takeSpans();
      const { traps, swallowed_errors, double_ends } = diagnostics as Record<string, number>;
      assert.deepEqual([traps, swallowed_errors, double_ends], [0, 0, 0]);
    });

    if (major === "v6") return;

    test("a response of the low-memory variant ends its operation when it has been sent", async () => {
      const [text, spans, root] = await run("low_memory_response");
      assert.equal(text, "onetwothree");
      assertTree(spans, [{ [root]: [{ invoke_agent: [chat1] }] }]);
      assertAttributes(spanOf(spans, "invoke_agent"), {
        "gen_ai.usage.input_tokens": 7,
        [canceled]: undefined,
      });
    });

    test("a client that disconnects cancels the operation of the low-memory variant", async () => {
      const abort = new AbortController();
      const { body } = await app.fetch("/low_memory_slow", { signal: abort.signal });
      await body?.getReader().read();
      abort.abort();
      const spans = await app.takeSpans();
      assertAllClosed(spans);
      assertAttributes(spanOf(spans, "invoke_agent"), { [canceled]: true });
    });

    test("the low-memory variant is claimed once, and its usage waits for a consumer, as without wrapping", async () => {
      const [seen] = await run("low_memory_claims");
      const [usage, claimed, wrappedUsage, wrappedClaimed] = seen as unknown[];
      assert.deepEqual(wrappedUsage, usage);
      assert.deepEqual(wrappedClaimed, claimed);
      assert.notEqual(claimed, "fulfilled");
    });

    test("consumeStream of the low-memory variant ends its operation", async () => {
      const [, spans] = await run("low_memory_drained");
      assertAttributes(spanOf(spans, "invoke_agent"), {
        "gen_ai.usage.input_tokens": 7,
        [canceled]: undefined,
      });
    });

    test("a stream nobody reads ends with its invocation, one that is being read does not", async () => {
      const [, spans] = await run("unread_in_scope");
      const truncated = "cloudflare.agents.span.truncated";
      const requests = [...spansOf(spans, "chat"), ...spansOf(spans, "generate_content")];
      assert.equal(requests.length, 3, describeSpans(spans));
      for (const span of requests) {
        const isUnread = span.attributes["gen_ai.agent.name"] === "unread";
        assertAttributes(span, { [truncated]: isUnread ? true : undefined });
      }
    });

    test("a video that is asked for has one span from its start to its completion", async () => {
      const [seen, spans, root] = await run("video_polled");
      assert.equal(seen, 1);
      const work = ["start_work", "status_work", "status_work", "status_work"];
      assertTree(spans, [{ [root]: [{ "generate_content video-1": work }] }]);
      assertAttributes(spanOf(spans, "generate_content"), {
        "gen_ai.output.type": "video",
        "gen_ai.response.model": "video-1-2026",
        "cloudflare.agents.operation.name": "doStart",
      });
    });

    test("a video the provider reports as failed fails its span", async () => {
      const [seen, spans] = await run("video_failed");
      assert.equal(seen, "Error: a secret");
      const span = spanOf(spans, "generate_content");
      assert.equal(span.status, "error");
      assertAttributes(span, { "error.type": "Error" });
    });

    test("a video nobody waits for any longer fails its span with what ended the wait", async () => {
      const [seen, spans] = await run("video_given_up");
      assert.match(String(seen), /timed out/);
      assertAttributes(spanOf(spans, "generate_content"), { "error.type": "Error" });
    });

    test("a video that is only started has a span for that, and asking for its status has none", async () => {
      const [seen, spans, root] = await run("video_started");
      assert.equal(seen, "completed");
      assertTree(spans, [
        { [root]: [{ "generate_content video-1": ["start_work"] }, "status_work"] },
      ]);
    });
  });
}
