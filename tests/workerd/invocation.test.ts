import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  assertUnder,
  describeSpans,
  spanNamed,
} from "./harness/assertions.ts";

const truncated = "cloudflare.agents.span.truncated";
const finishReason = "cloudflare.agents.response.finish_reason";

describe("an invocation of a wrapped handler in workerd", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("invocation", {
      config: {
        compatibility_flags: ["nodejs_compat", "service_binding_extra_handlers"],
        services: [{ binding: "SELF", service: "invocation" }],
        durable_objects: {
          bindings: [
            { name: "ROOM", class_name: "Room" },
            { name: "EXTENDED", class_name: "ExtendedRoom" },
            { name: "PREPARED", class_name: "Prepared" },
          ],
        },
        migrations: [{ tag: "v1", new_sqlite_classes: ["Room", "ExtendedRoom", "Prepared"] }],
      },
    });
  });
  after(() => app.close());

  async function run(path: string, invocations = 1): Promise<[unknown, Span[]]> {
    const response = await app.fetch(`/${path}`);
    const body = await response.text();
    const spans = await app.takeSpans({ invocations });
    assert.equal(response.status, 200, body);
    assertAllClosed(spans);
    return [body === "" ? undefined : parsed(body), spans];
  }

  function assertTruncated(spans: readonly Span[], agent: string): Span {
    const span = spanNamed(spans, `invoke_agent ${agent}`);
    assertAttributes(span, { [truncated]: true, [finishReason]: undefined });
    assert.equal(span.status, "unset");
    return span;
  }

  function assertEndsAfterResponse({ endMs }: Span, spans: readonly Span[]): void {
    const respondedMs = spans.find((span) => span.isInvocation)?.respondedMs;
    assert.ok(respondedMs !== undefined && endMs >= respondedMs, describeSpans(spans));
  }

  function assertFinished(spans: readonly Span[], agent: string): Span {
    const span = spanNamed(spans, `invoke_agent ${agent}`);
    assertAttributes(span, {
      [truncated]: undefined,
      [finishReason]: "stop",
      "gen_ai.usage.input_tokens": 7,
      "gen_ai.usage.output_tokens": 3,
    });
    return span;
  }

  test("a stream nobody reads ends with it, marked as truncated", async () => {
    const [, spans] = await run("unread");
    assertTruncated(spans, "unread");
  });

  test("a stream that only waitUntil reads, after the response, finishes as usual", async () => {
    const [, spans] = await run("consumed_later");
    assertEndsAfterResponse(assertFinished(spans, "later"), spans);
  });

  for (const [scenario, what] of [
    ["consumed_in_turn", "the last of several waitUntil counts"],
    ["consumed_by_grandchild", "so does one called by work that is waited for"],
  ] as const) {
    test(what, async () => {
      const [, spans] = await run(scenario);
      assertFinished(spans, "later");
    });
  }

  test("work in waitUntil that fails ends it all the same", async () => {
    const [, spans] = await run("rejected_later");
    assertEndsAfterResponse(assertTruncated(spans, "unread"), spans);
  });

  test("a call begun in waitUntil belongs to it", async () => {
    const [, spans] = await run("started_later");
    assertTruncated(spans, "unread");
  });

  for (const scenario of ["unread_then_throws", "unread_then_rejects"]) {
    test(`a handler that fails ends it: ${scenario}`, async () => {
      await assert.rejects(app.fetch(`/${scenario}`), /RangeError: no luck/);
      const spans = await app.takeSpans();
      assertAllClosed(spans);
      assertTruncated(spans, "unread");
    });
  }

  for (const scenario of ["streaming", "read_by_body"]) {
    test(`a response still being read when the handler is done is not truncated: ${scenario}`, async () => {
      const [text, spans] = await run(scenario);
      assert.match(String(text), /^chunk0 .*chunk4 /);
      assertFinished(spans, "streaming");
    });
  }

  test("a stream that has no reader yet is truncated, although the response will read it", async () => {
    const [text, spans] = await run("read_by_lazy_body");
    assert.match(String(text), /^chunk0 .*chunk4 /);
    assertTruncated(spans, "streaming");
  });

  test("a bounded call ends with the handler although it is read, with the usage so far", async () => {
    const [, spans] = await run("bounded");
    const span = spanNamed(spans, "invoke_agent bounded");
    assertAttributes(span, {
      [truncated]: true,
      "gen_ai.usage.input_tokens": 7,
      "gen_ai.usage.output_tokens": 3,
      "cloudflare.agents.tool.count": 1,
    });
    const chats = spans.filter(({ name }) => name === "chat given-1");
    assert.deepEqual(
      chats.map(({ attributes }) => attributes[truncated]),
      [undefined, true],
    );
  });

  test("a scope inside it ends nothing", async () => {
    const [result, spans] = await run("nested");
    assert.deepEqual(result, { truncated: 0, text: "chunk0 chunk1 chunk2 chunk3 chunk4 " });
    assertFinished(spans, "nested");
  });

  test("a detached scope ends with its own body, and takes nothing else with it", async () => {
    const [result, spans] = await run("detached");
    const { truncated: count } = result as { truncated: number };
    assert.ok(count >= 1);
    const inner = assertTruncated(spans, "detached");
    const outer = assertTruncated(spans, "attached");
    assert.ok(inner.endMs <= outer.endMs, describeSpans(spans));
  });

  test("work of a scope that has ended gets one of its own", async () => {
    const [result, spans] = await run("ended_scope");
    assert.ok((result as { truncated: number }).truncated >= 1);
    assertTruncated(spans, "inner");
  });

  test("queue and scheduled handlers are invocations", async () => {
    const [queued, inQueue] = await run("queue", 2);
    assert.equal(queued, "ok");
    assertTruncated(inQueue, "in_queue");
    const [scheduled, inScheduled] = await run("scheduled", 2);
    assert.equal(scheduled, "ok");
    assertTruncated(inScheduled, "in_scheduled");
  });

  test("so are the RPC methods and handlers of an entrypoint", async () => {
    const [result, spans] = await run("greet", 3);
    assert.deepEqual(result, ["Hello, Ada", "Hello"]);
    for (const agent of ["in_rpc", "in_entrypoint"]) assertTruncated(spans, agent);
  });

  test("so are fetch, alarm and WebSocket events of a Durable Object, which stays what it is", async () => {
    const [result, spans] = await run("object_handlers", 6);
    assert.deepEqual(result, {
      text: "fetch of RoomClass",
      message: "message 1",
      topic: "RoomClass of 3",
      name: "RoomClass",
      constructedWith: [true, true],
      alarms: 1,
      messages: 1,
      isInstance: true,
      wrappedName: "RoomClass",
    });
    for (const agent of ["in_fetch", "in_alarm", "in_message", "in_close"]) {
      assertTruncated(spans, agent);
    }
  });

  test("what an RPC method throws reaches its caller", async () => {
    const [result, spans] = await run("object_failing", 2);
    assert.equal(result, "RangeError: no luck");
    assertTruncated(spans, "in_failing");
  });

  test("invocations that overlap in one Durable Object keep their own scopes", async () => {
    const [areSame, spans] = await run("object_concurrent", 2);
    assert.deepEqual(areSame, [true, true, true], "inside, a method is the one that was written");
    // Each ends with its own method: the first call is the slowest, and none waits for it or ends it.
    const ends = ["fast", "middle", "slow"].map((agent) => assertTruncated(spans, agent).endMs);
    const [fast = 0, middle = 0, slow = 0] = ends;
    assert.ok(fast < middle && middle < slow, describeSpans(spans));
  });

  test("work an object's method leaves to waitUntil is its own, until the runtime drops it", async () => {
    await app.fetch("/object_later");
    const spans = await app.takeSpans({ invocations: 4 });
    for (const agent of ["first", "third"]) assertFinished(spans, agent);
    // Where another invocation begins before that work is done, the runtime reports no more of the earlier one.
    assert.equal(spanNamed(spans, "invoke_agent second").closed, false, describeSpans(spans));
  });

  test("an object may replace its methods", async () => {
    const [result, spans] = await run("object_replacing", 2);
    assert.equal(result, "ctx,env,begin");
    assertTruncated(spans, "replaced_own");
  });

  test("a wrapped class can be extended", async () => {
    const [isSame, spans] = await run("object_extended", 2);
    assert.equal(isSame, true);
    assertTruncated(spans, "own_agent");
  });

  test("a constructor finds the prototype of its class, and what it puts there or on the object counts", async () => {
    const [result, spans] = await run("object_prepared", 4);
    assert.deepEqual(result, {
      greeting: "Hello, RPC!",
      fetched: "Hello, fetch!",
      ownNames: "constructor",
      constructedBy: "PreparedClass",
      isSame: true,
      enumerable: false,
    });
    assertTruncated(spans, "in_own_handler");
    const greetings = spans.filter(({ name }) => name === "invoke_agent in_prepared");
    assert.equal(greetings.length, 2, describeSpans(spans));
    for (const greeting of greetings) assertAttributes(greeting, { [truncated]: true });
  });

  test("handlers and waitUntil are otherwise what they were", async () => {
    const [result] = await run("differences");
    assert.deepEqual(result, []);
  });

  test("the imported waitUntil goes unseen: spans of its work are no one's", async () => {
    const [, spans] = await run("imported_wait_until");
    assertUnder(spans, spanNamed(spans, "unseen"), spanNamed(spans, "GET /imported_wait_until"));
  });

  test("spans of scopes that have ended hold none of them", async () => {
    const [refused, spans] = await run("many_ended_scopes");
    assert.equal(refused, 0);
    assert.ok(spans.length > 10_000);
  });

  test("1,000 invocations of one Durable Object leave nothing behind", {
    timeout: 60_000,
  }, async () => {
    const count = async (calls: number): Promise<Record<string, number>> => {
      const response = await app.fetch(`/object_count?calls=${calls}`);
      const counts = (await response.json()) as Record<string, number>;
      await app.takeSpans({ invocations: 2, timeoutMs: 20_000 });
      return counts;
    };
    const warm = await count(500);
    const end = await count(500);
    assert.equal(end["waitUntils"], 1, "waitUntil was replaced once");
    assert.equal(end["memory_bytes"], warm["memory_bytes"]);
    // Of the call that answers, the spans are still open.
    const open = ({ spans_opened = 0, spans_ended = 0 }) => spans_opened - spans_ended;
    assert.equal(open(end), open(warm));
    assert.equal(end["scopes_evicted"], 0);
  });

  test("nothing was swallowed, refused or trapped in all this, and nothing is open", async () => {
    const [result] = await run("diagnostics");
    const counts = result as Record<string, number>;
    for (const name of ["traps", "swallowed_errors", "spans_refused", "scopes_evicted"]) {
      assert.equal(counts[name], 0, JSON.stringify(counts));
    }
    assert.equal(counts["spans_opened"], counts["spans_ended"], JSON.stringify(counts));
  });
});

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
