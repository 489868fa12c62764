import type { StreamingResponse } from "agents";
import { Agent, type Connection, type ConnectionContext, callable, getCurrentAgent } from "agents";
import { isStepCount, type streamText as StreamText } from "ai";
import { type AgentMessage, parseMessage } from "../../../worker/chat_agent/protocol.ts";
import { scriptedModel } from "../../../worker/chat_agent/scripted_model.ts";
import { tools } from "../../../worker/chat_agent/tools.ts";

interface State {
  readonly turns: number;
}

/** What begins a turn, as the turn says of itself. */
type Trigger = "message" | "callable" | "rpc" | "schedule" | "queue" | "wait_until";

type Env = Record<string, DurableObjectNamespace>;

/**
 * An agent of the `agents` package that calls the model from wherever the package calls an agent. What `streamText` is
 * decides whether it is traced.
 *
 * @param binding the name under which it finds itself in its environment.
 */
export function talkerClass(streamText: typeof StreamText, binding: string) {
  return class Talker extends Agent<Env, State> {
    override initialState: State = { turns: 0 };

    override onConnect(connection: Connection, { request }: ConnectionContext): void {
      connection.setState({ userId: new URL(request.url).searchParams.get("user") });
    }

    override onMessage(connection: Connection, data: string | ArrayBuffer): void {
      const message = parseMessage(data);
      if (message?.type !== "prompt") {
        send(connection, { type: "refused", why: "That is no prompt." });
        return;
      }
      // The runtime reports no more spans of a WebSocket event once another event has come in.
      const namespace = this.env[binding] as DurableObjectNamespace<Talker>;
      const self = namespace.get(this.ctx.id);
      this.ctx.waitUntil(self.takeTurn(connection.id, message.id, message.text));
    }

    async takeTurn(connectionId: string, id: string, text: string): Promise<void> {
      const connection = this.getConnection<{ userId: string }>(connectionId);
      if (connection === undefined) return;
      const { textStream } = this.call("message", id, text, connection.state?.userId);
      for await (const delta of textStream) send(connection, { type: "delta", id, text: delta });
      send(connection, { type: "end", id, how: "finished" });
    }

    @callable()
    async answer(text: string): Promise<string> {
      return `${await this.call("callable", "answer", text).text} (${this.current()})`;
    }

    @callable({ streaming: true })
    async answerInParts(stream: StreamingResponse, text: string): Promise<void> {
      for await (const delta of this.call("callable", "parts", text).textStream) stream.send(delta);
      stream.end();
    }

    @callable()
    startUnread(text: string): string {
      this.call("callable", "unread", text);
      return "started";
    }

    @callable()
    fail(): never {
      throw new RangeError("no luck");
    }

    @callable()
    async answerLater(text: string): Promise<void> {
      await this.schedule(0, "onSchedule", text);
    }

    async onSchedule(text: string): Promise<void> {
      this.tell(await this.call("schedule", "later", text).text);
    }

    @callable()
    async answerInTurn(text: string): Promise<void> {
      await this.queue("onQueue", text);
    }

    async onQueue(text: string): Promise<void> {
      this.tell(await this.call("queue", "in turn", text).text);
    }

    /** Returns at once and answers when it has returned. */
    @callable()
    answerAfter(text: string): string {
      const work = async () => {
        await scheduler.wait(20);
        this.tell(await this.call("wait_until", "after", text).text);
      };
      this.ctx.waitUntil(this.keepAliveWhile(work));
      return "at once";
    }

    /** For those who have a stub: no client may call it. */
    async ask(text: string): Promise<string> {
      return `${await this.call("rpc", "ask", text).text} (${this.current()})`;
    }

    call(trigger: Trigger, requestId: string, text: string, userId?: string) {
      const generation = this.state.turns + 1;
      this.setState({ turns: generation });
      return streamText({
        model: scriptedModel(),
        prompt: text,
        tools,
        stopWhen: isStepCount(3),
        runtimeContext: {
          agentName: "Talker",
          agentId: this.ctx.id.toString(),
          conversationId: this.name,
          userId,
          "cloudflare.agents.turn.request_id": requestId,
          "cloudflare.agents.turn.trigger": trigger,
          "cloudflare.agents.turn.generation": generation,
        },
        onError: () => {},
      });
    }

    /** Tells all who are connected. */
    tell(text: string): void {
      this.broadcast(JSON.stringify({ type: "told", text: `${text} (${this.current()})` }));
    }

    /** What the package's own context holds where this is called. */
    current(): string {
      const { agent, connection } = getCurrentAgent();
      const isAgent = agent === this ? "this agent" : "no agent";
      return `${isAgent}, ${connection === undefined ? "no connection" : "a connection"}`;
    }
  };
}

function send(connection: Connection, message: AgentMessage): void {
  connection.send(JSON.stringify(message));
}
