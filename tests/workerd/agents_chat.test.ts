import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { type AgentClass, pathOf, startAgents } from "./agents/start.ts";
import {
  assertAllClosed,
  assertAttributes,
  assertUnder,
  describeSpans,
  spanNamed,
  spanOf,
} from "./harness/assertions.ts";
import { JsonSocket } from "./harness/json_socket.ts";

const turn = "cloudflare.agents.turn";
const canceled = "cloudflare.agents.canceled";
const finishReason = "cloudflare.agents.response.finish_reason";

const cancel = "cf_agent_chat_request_cancel";

/** A frame of the package's protocol; `body` is a part of the SDK's UI stream. */
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly body?: string;
  readonly done?: boolean;
  readonly outcome?: string;
}

type Socket = JsonSocket<Frame>;

function ask(socket: Socket, id: string, text: string): void {
  const messages = [{ id: `${id}-message`, role: "user", parts: [{ type: "text", text }] }];
  const init = { method: "POST", body: JSON.stringify({ messages }) };
  socket.send({ type: "cf_agent_use_chat_request", id, init });
}

function isEndOf(id: string): (frame: Frame) => boolean {
  return (frame) => frame.id === id && frame.done === true;
}

describe("an AIChatAgent, wrapped in withTelemetry", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startAgents("agents_chat");
  });
  after(() => app.close());

  async function chat(
    agent: AgentClass,
    name: string,
    invocations: number,
    talk: (socket: Socket) => Promise<unknown>,
  ): Promise<Span[]> {
    const socket: Socket = await JsonSocket.connect(app, pathOf(agent, name));
    await talk(socket);
    await socket.close();
    // The upgrade, at the Worker and at the object, and the close.
    return app.takeSpans({ invocations: 3 + invocations, timeoutMs: 10_000 });
  }

  test("its turn is one invoke_agent in the package's own span of the turn", async () => {
    const spans = await chat("TracedChat", "turn", 1, (socket) => {
      ask(socket, "one", "email");
      return socket.next(isEndOf("one"));
    });
    const operation = spanOf(spans, "invoke_agent");
    assertAttributes(operation, {
      "gen_ai.agent.name": "Chat",
      "gen_ai.conversation.id": "turn",
      [`${turn}.request_id`]: "one",
      [`${turn}.continuation`]: false,
      [finishReason]: "stop",
      "gen_ai.usage.input_tokens": 24,
    });
    const children = spans.filter(({ parentSpanId }) => parentSpanId === operation.spanId);
    assert.deepEqual(
      children.map(({ name }) => name),
      ["chat chat-1", "execute_tool send_email", "chat chat-1"],
      describeSpans(spans),
    );
    assertAllClosed([operation, ...children]);
    const packagesOwn = spanNamed(spans, "chat_turn");
    assertUnder(spans, operation, packagesOwn);
    assertAttributes(packagesOwn, { [`${turn}.request_id`]: "one" });
  });

  /** What a client of a class receives; ids that are made up anew each time have the same name everywhere. */
  async function framesOf(agent: AgentClass): Promise<string[]> {
    const frames: Frame[] = [];
    await chat(agent, "compared", 2, async (socket) => {
      for (const [id, text] of [
        ["one", "email"],
        ["two", "Good night"],
      ] as const) {
        ask(socket, id, text);
        frames.push(...(await socket.next(isEndOf(id))));
      }
    });
    return frames.map((frame) => JSON.stringify(frame).replace(/assistant_\w+/g, "assistant_ID"));
  }

  test("with and without telemetry its clients receive the same", async () => {
    const plain = await framesOf("PlainChat");
    assert.ok(plain.length > 20 && plain.join().includes("sent."), plain.join("\n"));
    for (const agent of ["TracedChat", "LastingChat"] as const) {
      assert.deepEqual(await framesOf(agent), plain, agent);
    }
  });

  /** A long turn and its two spans. What else reaches the object during it: a frame of `type`, where one is given. */
  async function longTurn(agent: AgentClass, type?: string): Promise<[Span, Span]> {
    const spans = await chat(agent, type ?? "undisturbed", 1, async (socket) => {
      ask(socket, "one", "count");
      await socket.next(({ body }) => body?.includes("text-delta") === true);
      if (type !== undefined) socket.send({ type, id: "one" });
      const end = (await socket.next(isEndOf("one"))).at(-1);
      assert.equal(end?.outcome, type === cancel ? "aborted" : undefined);
    });
    if (type !== cancel) {
      const hasHeartbeat = spans.some(({ name }) => name === `${agent}: alarm`);
      assert.equal(hasHeartbeat, agent !== "TracedChat", describeSpans(spans));
    }
    const operation = spanNamed(spans, "invoke_agent Chat");
    assertUnder(spans, operation, spanNamed(spans, "chat_turn"));
    return [operation, spanNamed(spans, "chat chat-1")];
  }

  for (const [agent, type, what] of [
    ["TracedChat", cancel, "a client that stops it"],
    ["TracedChat", "of_no_protocol", "another frame"],
    ["BeatingChat", undefined, "a heartbeat of the package"],
  ] as const) {
    test(`a turn in the handler of its message is lost with the next event: ${what}`, async () => {
      for (const span of await longTurn(agent, type)) assert.equal(span.closed, false);
    });
  }

  for (const [type, what, ending] of [
    [cancel, "a client that stops it", { [canceled]: true, [finishReason]: undefined }],
    [
      "of_no_protocol",
      "heartbeats and another frame",
      { [canceled]: undefined, [finishReason]: "stop" },
    ],
  ] as const) {
    test(`one that is an invocation of its own outlasts ${what}`, async () => {
      const spans = await longTurn("LastingChat", type);
      assertAllClosed(spans);
      for (const span of spans) assertAttributes(span, ending);
      assertAttributes(spans[0], { [`${turn}.request_id`]: "one" });
    });
  }

  test("nothing was swallowed, refused or trapped in all this, and nothing is open", async () => {
    const counts = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
    for (const name of ["traps", "swallowed_errors", "spans_refused", "spans_truncated"]) {
      assert.equal(counts[name], 0, JSON.stringify(counts));
    }
    assert.ok((counts["spans_opened"] ?? 0) > 20);
    assert.equal(counts["spans_opened"], counts["spans_ended"], JSON.stringify(counts));
  });
});
