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
  spanOf,
  spansOf,
} from "./harness/assertions.ts";
import { JsonSocket } from "./harness/json_socket.ts";

const turn = "cloudflare.agents.turn";
const truncated = "cloudflare.agents.span.truncated";
const finishReason = "cloudflare.agents.response.finish_reason";

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly done?: boolean;
  readonly success?: boolean;
}

/** A client of an agent, on a socket of its own. */
class Client {
  readonly #socket: JsonSocket<Message>;

  constructor(socket: JsonSocket<Message>) {
    this.#socket = socket;
  }

  /** Connects and waits for the last of the messages by which the package greets. */
  static async connect(app: LocalWorker, agent: AgentClass, name: string, user?: string) {
    const socket = await JsonSocket.connect<Message>(app, pathOf(agent, name, user));
    const greeting = await socket.next(({ type }) => type === "cf_agent_mcp_servers");
    return { client: new Client(socket), greeting };
  }

  /** Sends a prompt and gives what is answered, to the end of the turn. */
  prompt(id: string, text: string): Promise<Message[]> {
    this.#socket.send({ type: "prompt", id, text });
    return this.#socket.next((message) => message.type === "end" && message.id === id);
  }

  /** Calls a method of the agent and gives its answers. */
  call(method: string, ...args: readonly string[]): Promise<Message[]> {
    this.#socket.send({ type: "rpc", id: method, method, args });
    const isLast = ({ type, done, success }: Message) =>
      type === "rpc" && (done === true || success === false);
    return this.#socket.next(isLast);
  }

  /** Waits for what the agent tells on its own. */
  told(): Promise<Message[]> {
    return this.#socket.next(({ type }) => type === "told");
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}

describe("an Agent of the agents package, wrapped in withTelemetry", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startAgents("agents");
  });
  after(() => app.close());

  /** Connects, talks, disconnects and gives every span of it. */
  async function talk(
    agent: AgentClass,
    name: string,
    invocations: number,
    say: (client: Client) => Promise<unknown>,
  ): Promise<Span[]> {
    const { client } = await Client.connect(app, agent, name);
    await say(client);
    await client.close();
    // The upgrade, at the Worker and at the object, and the close.
    return app.takeSpans({ invocations: 3 + invocations, timeoutMs: 10_000 });
  }

  test("a turn is one invoke_agent that says whose it is, with its model calls and its tool", async () => {
    const spans = await talk("TracedTalker", "emails", 2, (client) =>
      client.prompt("one", "email"),
    );
    const operation = spanOf(spans, "invoke_agent");
    assert.equal(operation.name, "invoke_agent Talker");
    assertAttributes(operation, {
      "gen_ai.agent.name": "Talker",
      "gen_ai.agent.id": /^[0-9a-f]{64}$/,
      "gen_ai.conversation.id": "emails",
      "user.id": "ada",
      [`${turn}.request_id`]: "one",
      [`${turn}.trigger`]: "message",
      [`${turn}.generation`]: 1,
      [finishReason]: "stop",
      "gen_ai.usage.input_tokens": 24,
    });
    const children = spans.filter(({ parentSpanId }) => parentSpanId === operation.spanId);
    assert.deepEqual(
      children.map(({ name }) => name),
      ["chat chat-1", "execute_tool send_email", "chat chat-1"],
      describeSpans(spans),
    );
    const [message] = spans.filter(({ name }) => name === "TracedTalker: hibernatableWebSocket");
    assertUnder(spans, operation, message as Span);
    assertAllClosed([operation, ...children]);
  });

  test("turns of two connections at once keep their own spans", async () => {
    const users = ["ada", "bob"];
    const connected = await Promise.all(
      users.map((user) => Client.connect(app, "TracedTalker", "shared", user)),
    );
    const clients = connected.map(({ client }) => client);
    await Promise.all(clients.map((client, index) => client.prompt(`of ${users[index]}`, "count")));
    for (const client of clients) await client.close();
    const spans = await app.takeSpans({ invocations: 10, timeoutMs: 10_000 });
    const turns = spansOf(spans, "invoke_agent");
    assertAllClosed([...turns, ...spansOf(spans, "chat")]);
    assert.deepEqual(
      turns.map(({ attributes }) => attributes["user.id"]).sort(),
      users,
      describeSpans(spans),
    );
    for (const span of turns) {
      assertAttributes(span, { [`${turn}.request_id`]: `of ${span.attributes["user.id"]}` });
      const chats = spansOf(spans, "chat").filter((chat) => chat.parentSpanId === span.spanId);
      assert.equal(chats.length, 1, describeSpans(spans));
    }
    const [first, second] = turns as [Span, Span];
    assert.ok(first.startMs < second.endMs && second.startMs < first.endMs, "they overlap");
    // Not their invocations: of two that begin at once, the runtime reports the spans of both under one.
    assert.notEqual(first.parentSpanId, second.parentSpanId);
  });

  test("callable methods are invocations: what they call is traced, a stream nobody reads ends", async () => {
    const spans = await talk("TracedTalker", "callable", 3, async (client) => {
      await client.call("answer", "Good morning");
      await client.call("answerInParts", "Good morning");
      await client.call("startUnread", "Good morning");
    });
    const turns = spansOf(spans, "invoke_agent");
    assertAllClosed(turns);
    assert.equal(turns.length, 3, describeSpans(spans));
    const unread = { [truncated]: true, [finishReason]: undefined };
    const read = { [truncated]: undefined, [finishReason]: "stop" };
    for (const [id, ending] of Object.entries({ answer: read, parts: read, unread })) {
      const operation = turns.find(({ attributes }) => attributes[`${turn}.request_id`] === id);
      assert.ok(operation, describeSpans(spans));
      assertAttributes(operation, { [`${turn}.trigger`]: "callable", ...ending });
      const invocation = spans.find(
        (span) => span.isInvocation && span.invocationId === operation.invocationId,
      );
      assert.equal(invocation?.name, "TracedTalker: hibernatableWebSocket");
    }
  });

  test("what a handler leaves to keepAlive, a schedule or the queue is traced to its end", async () => {
    const spans = await talk("TracedTalker", "later", 4, async (client) => {
      for (const method of ["answerAfter", "answerLater", "answerInTurn"]) {
        await client.call(method, "Good morning");
        await client.told();
      }
    });
    const turns = spansOf(spans, "invoke_agent");
    assertAllClosed([...turns, ...spansOf(spans, "chat")]);
    assert.deepEqual(
      turns.map(({ attributes }) => attributes[`${turn}.trigger`]).sort(),
      ["queue", "schedule", "wait_until"],
      describeSpans(spans),
    );
    for (const span of turns) {
      assertAttributes(span, {
        [finishReason]: "stop",
        [truncated]: undefined,
        "gen_ai.usage.output_tokens": 8,
      });
    }
  });

  test("so is an RPC of a stub, on an object that it wakes", async () => {
    const response = await app.fetch("/ask/TracedTalker/asleep");
    assert.equal(await response.text(), "You said: Good morning (this agent, no connection)");
    const spans = await app.takeSpans({ invocations: 2 });
    assertAllClosed(spans);
    const operation = spanOf(spans, "invoke_agent");
    assertAttributes(operation, { [`${turn}.trigger`]: "rpc", [finishReason]: "stop" });
    const [call] = spans.filter(({ name }) => name === "TracedTalker: jsrpc");
    assertUnder(spans, operation, call as Span);
  });

  /** Everything that an agent answers to everything that can be asked of it. */
  async function answersOf(agent: AgentClass): Promise<unknown[]> {
    const { client, greeting } = await Client.connect(app, agent, "compared");
    const answers: unknown[] = [greeting];
    answers.push(await client.prompt("one", "email"), await client.prompt("two", "Good night"));
    for (const method of ["answer", "answerInParts", "startUnread", "fail"]) {
      answers.push(await client.call(method, "Good morning"));
    }
    for (const method of ["ask", "current", "alarm", "webSocketMessage", "nothing"]) {
      answers.push(await client.call(method, "Good morning"));
    }
    for (const method of ["answerAfter", "answerLater", "answerInTurn"]) {
      answers.push(await client.call(method, "Good morning"), await client.told());
    }
    await client.close();
    await app.takeSpans({ timeoutMs: 10_000 });
    return answers;
  }

  test("the same agent without telemetry sends the same messages", async () => {
    const plain = await answersOf("PlainTalker");
    const text = JSON.stringify(plain);
    for (const expected of ["The ", "sent.", "no luck", "is not callable", "does not exist"]) {
      assert.ok(text.includes(expected), text);
    }
    assert.deepEqual(await answersOf("TracedTalker"), plain);
    const asked = await (await app.fetch("/ask/PlainTalker/asleep")).text();
    assert.equal(asked, await (await app.fetch("/ask/TracedTalker/asleep")).text());
    await app.takeSpans({ invocations: 4 });
  });

  for (const [agent, how] of [
    ["OutsideTalker", "around"],
    ["InsideTalker", "inside"],
  ] as const) {
    test(`wrapAISDK ${how} that of agents/observability/ai: both trace, and the answers stay`, async () => {
      const { client } = await Client.connect(app, "PlainTalker", `both-${how}`);
      const expected = await client.prompt("one", "email");
      await client.close();
      await app.takeSpans({ invocations: 5 });
      const spans = await talk(agent, `both-${how}`, 2, async (both) => {
        assert.deepEqual(await both.prompt("one", "email"), expected);
      });
      const ours = ["invoke_agent", "chat", "execute_tool"].map((name) => spansOf(spans, name));
      assertAllClosed(ours.flat());
      // Each span twice, one in the other: sums of usage count twice too.
      assert.deepEqual(
        ours.map(({ length }) => length),
        [2, 4, 2],
        describeSpans(spans),
      );
      const [outer, inner] = ours[0] as [Span, Span];
      assert.equal(inner.parentSpanId, outer.spanId, describeSpans(spans));
      for (const span of [outer, inner]) {
        assertAttributes(span, { "gen_ai.usage.input_tokens": 24, [finishReason]: "stop" });
      }
    });
  }

  test("nothing was swallowed, refused or trapped in all this, and nothing is open", async () => {
    const counts = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
    for (const name of ["traps", "swallowed_errors", "spans_refused", "scopes_evicted"]) {
      assert.equal(counts[name], 0, JSON.stringify(counts));
    }
    assert.ok((counts["spans_opened"] ?? 0) > 40);
    assert.equal(counts["spans_opened"], counts["spans_ended"], JSON.stringify(counts));
  });
});
