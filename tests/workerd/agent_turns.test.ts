import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { AgentMessage, ClientMessage } from "../../worker/chat_agent/protocol.ts";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  assertUnder,
  describeSpans,
  spanNamed,
  spanOf,
  spansOf,
} from "./harness/assertions.ts";
import { JsonSocket } from "./harness/json_socket.ts";

const turn = "cloudflare.agents.turn";
const canceled = "cloudflare.agents.canceled";
const truncated = "cloudflare.agents.span.truncated";
const finishReason = "cloudflare.agents.response.finish_reason";

/** A client of the agent on a socket of its own. */
class Client {
  readonly #socket: JsonSocket<AgentMessage>;

  private constructor(socket: JsonSocket<AgentMessage>) {
    this.#socket = socket;
  }

  static async connect(app: LocalWorker, path: string): Promise<Client> {
    return new Client(await JsonSocket.connect(app, path));
  }

  send(message: ClientMessage | { readonly type: "nonsense" }): void {
    this.#socket.send(message);
  }

  prompt(id: string, text: string): void {
    this.send({ type: "prompt", id, text });
  }

  /** Waits for a message of this type, about this turn where one is named, and takes it with all before it. */
  async next<T extends AgentMessage["type"]>(
    type: T,
    id?: string,
  ): Promise<Extract<AgentMessage, { type: T }> & { readonly textBefore: string }> {
    const messages = await this.#socket.next(
      (message) => message.type === type && (id === undefined || idOf(message) === id),
    );
    const message = messages.pop() as Extract<AgentMessage, { type: T }>;
    const texts = messages.map((before) => (before.type === "delta" ? before.text : ""));
    return { ...message, textBefore: texts.join("") };
  }

  /** Sends a prompt and waits until its turn has ended. */
  async ask(id: string, text: string): Promise<{ how: string; text: string }> {
    this.prompt(id, text);
    const { how, textBefore } = await this.next("end", id);
    return { how, text: textBefore };
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}

function idOf(message: AgentMessage): string | undefined {
  return "id" in message ? message.id : undefined;
}

describe("turns of a chat agent on a Durable Object, over a WebSocket", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("agent_turns", {
      config: {
        main: "worker/chat_agent/index.ts",
        durable_objects: { bindings: [{ name: "CHAT_AGENT", class_name: "ChatAgent" }] },
        migrations: [{ tag: "v1", new_sqlite_classes: ["ChatAgent"] }],
      },
    });
  });
  after(() => app.close());

  /** Connects, talks, disconnects and gives every span of it. */
  async function conversation(
    name: string,
    turns: number,
    talk: (client: Client) => Promise<void>,
  ): Promise<Span[]> {
    const client = await Client.connect(app, `/conversations/${name}?user=ada`);
    await talk(client);
    await client.close();
    // The upgrade, at the Worker and at the object; each message and its turn; the close.
    const spans = await app.takeSpans({ invocations: 2 * turns + 3 });
    assertOwnClosed(spans);
    return spans;
  }

  test("each turn is one invoke_agent that says whose it is and how it came to run", async () => {
    const spans = await conversation("two-turns", 2, async (client) => {
      assert.deepEqual(await client.ask("first", "Good morning"), {
        how: "finished",
        text: "You said: Good morning",
      });
      assert.deepEqual(await client.ask("second", "Good night"), {
        how: "finished",
        text: "You said: Good night",
      });
    });
    const turns = turnsOf(spans);
    assert.equal(turns.length, 2, describeSpans(spans));
    for (const [index, id] of ["first", "second"].entries()) {
      const span = turns[index] as Span;
      assert.equal(span.name, "invoke_agent ChatAgent");
      assertAttributes(span, {
        "gen_ai.agent.name": "ChatAgent",
        "gen_ai.agent.id": /^[0-9a-f]{64}$/,
        "gen_ai.conversation.id": "two-turns",
        "user.id": "ada",
        [`${turn}.request_id`]: id,
        [`${turn}.trigger`]: "message",
        [`${turn}.admission`]: "immediate",
        [`${turn}.channel`]: "websocket",
        [`${turn}.continuation`]: false,
        [`${turn}.generation`]: index + 1,
        [finishReason]: "stop",
        "gen_ai.usage.input_tokens": 12,
        [canceled]: undefined,
        [truncated]: undefined,
      });
      // Consumed, not passed through.
      assert.deepEqual(
        Object.keys(span.attributes).filter((key) => key.includes("runtime_context")),
        [],
      );
    }
    for (const chat of spansOf(spans, "chat")) {
      assertAttributes(chat, {
        "gen_ai.agent.name": "ChatAgent",
        "gen_ai.conversation.id": "two-turns",
        "user.id": undefined,
        [`${turn}.request_id`]: undefined,
      });
    }
  });

  test("a turn outlives the handler of its message, and what follows it its answer", async () => {
    const spans = await conversation("remembering", 1, async (client) => {
      await client.ask("only", "Good morning");
    });
    const operation = spanOf(spans, "invoke_agent");
    const remembered = spanNamed(spans, "remember_turn");
    assert.equal(remembered.parentSpanId, operation.parentSpanId);
    const messages = spans.filter(({ name }) => name === "ChatAgent: hibernatableWebSocket");
    const [message] = inOrder(messages) as [Span];
    assertUnder(spans, operation, message);
    assert.ok(message.endMs < operation.endMs, describeSpans(spans));
    assert.ok(remembered.endMs >= operation.endMs + 8, describeSpans(spans));
  });

  test("a turn that has to wait for another is queued, and both keep their own spans", async () => {
    const spans = await conversation("queued", 2, async (client) => {
      client.prompt("slow", "count");
      client.prompt("waiting", "Good morning");
      await client.next("end", "waiting");
    });
    const [slow, waiting] = turnsOf(spans) as [Span, Span];
    assertAttributes(slow, { [`${turn}.request_id`]: "slow", [`${turn}.admission`]: "immediate" });
    assertAttributes(waiting, {
      [`${turn}.request_id`]: "waiting",
      [`${turn}.admission`]: "queued",
      [`${turn}.generation`]: 2,
    });
    assert.notEqual(slow.parentSpanId, waiting.parentSpanId, "each is an invocation of its own");
    assert.ok(waiting.startMs >= slow.endMs, describeSpans(spans));
  });

  test("a client that stops its turn cancels it, and the next goes on", async () => {
    const spans = await conversation("stopped", 2, async (client) => {
      client.prompt("stopped", "count");
      await client.next("delta");
      client.send({ type: "stop" });
      assert.equal((await client.next("end", "stopped")).how, "aborted");
      assert.equal((await client.ask("next", "Good morning")).how, "finished");
    });
    const [stopped, next] = turnsOf(spans) as [Span, Span];
    assertAttributes(stopped, { [canceled]: true, "error.type": undefined });
    assert.equal(stopped.status, "unset");
    assertAttributes(next, { [canceled]: undefined, [finishReason]: "stop" });
    const [chat] = inOrder(spansOf(spans, "chat")) as [Span];
    assertAttributes(chat, {
      [canceled]: true,
      "gen_ai.response.time_to_first_chunk": /^0\.\d+$/,
    });
  });

  test("a client that disconnects in the middle of its turn cancels it", async () => {
    const spans = await conversation("left", 1, async (client) => {
      client.prompt("left", "count");
      await client.next("delta");
    });
    const operation = spanOf(spans, "invoke_agent");
    assertAttributes(operation, {
      [canceled]: true,
      [`${turn}.request_id`]: "left",
      [truncated]: undefined,
    });
    assertAttributes(spanOf(spans, "chat"), { [canceled]: true });
  });

  for (const approved of [true, false]) {
    const state = approved ? "approved" : "denied";
    test(`a tool that is asked for in one turn and ${state} in the next`, async () => {
      const spans = await conversation(state, 2, async (client) => {
        client.prompt("asking", "Send an email");
        const { approvalId, toolName } = await client.next("approval-request");
        assert.equal(toolName, "send_email");
        await client.next("end", "asking");
        client.send({ type: "approval", id: "answering", approvalId, approved });
        const { how, textBefore } = await client.next("end", "answering");
        assert.equal(how, "finished");
        assert.equal(textBefore, approved ? "The email is sent." : "Then I will not send it.");
      });
      const [asking, answering] = turnsOf(spans) as [Span, Span];
      assertAttributes(asking, {
        [`${turn}.trigger`]: "message",
        [`${turn}.continuation`]: false,
        [finishReason]: "tool-calls",
      });
      assertAttributes(answering, {
        [`${turn}.trigger`]: "approval",
        [`${turn}.continuation`]: true,
        [`${turn}.generation`]: 2,
        [finishReason]: "stop",
      });
      const approvals = inOrder(spans.filter(({ name }) => name === "tool_approval send_email"));
      assert.deepEqual(
        approvals.map(({ attributes }) => attributes["cloudflare.agents.tool.approval.state"]),
        ["requested", state],
        describeSpans(spans),
      );
      for (const [index, operation] of [asking, answering].entries()) {
        const approval = approvals[index] as Span;
        assertUnder(spans, approval, operation);
        assertAttributes(approval, {
          "gen_ai.tool.call.id": "call_email",
          "gen_ai.agent.name": "ChatAgent",
        });
      }
    });
  }

  test("conversations that go on at once mix nothing up", async () => {
    const count = 20;
    const clients = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        Client.connect(app, `/conversations/many-${index}?user=user-${index}`),
      ),
    );
    await Promise.all(clients.map((client, index) => client.ask(`turn-${index}`, `I am ${index}`)));
    await Promise.all(clients.map((client) => client.close()));
    const spans = await app.takeSpans({ invocations: 5 * count, timeoutMs: 20_000 });
    assertOwnClosed(spans);
    const turns = spansOf(spans, "invoke_agent");
    assert.equal(turns.length, count);
    for (const span of turns) {
      const index = String(span.attributes["user.id"]).replace("user-", "");
      assertAttributes(span, {
        "gen_ai.conversation.id": `many-${index}`,
        [`${turn}.request_id`]: `turn-${index}`,
        [`${turn}.generation`]: 1,
      });
    }
    assert.equal(new Set(turns.map((span) => span.attributes["user.id"])).size, count);
    assert.equal(new Set(turns.map((span) => span.attributes["gen_ai.agent.id"])).size, count);
  });

  test("what is no message of the protocol is refused, without a turn", async () => {
    const spans = await conversation("refused", 0, async (client) => {
      client.send({ type: "nonsense" });
      assert.match((await client.next("refused")).why, /not a message of this protocol/);
    });
    assert.deepEqual(spansOf(spans, "invoke_agent"), []);
  });
});

/**
 * Asserts that every span of the agent's closed. Of the message that began a turn, the runtime reports no more once
 * another event has come in: its own spans around the call may stay open.
 */
function assertOwnClosed(spans: readonly Span[]): void {
  const own = /^(invoke_agent|chat|execute_tool|tool_approval|remember_turn)\b/;
  assertAllClosed(spans.filter(({ name }) => own.test(name)));
}

function turnsOf(spans: readonly Span[]): Span[] {
  return inOrder(spansOf(spans, "invoke_agent"));
}

function inOrder(spans: readonly Span[]): Span[] {
  return spans.toSorted((a, b) => a.startMs - b.startMs);
}
