import { DurableObject } from "cloudflare:workers";
import { isStepCount, type ModelMessage, streamText } from "ai";
import { tracer } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { Conversation } from "./conversation.ts";
import { type AgentMessage, type ClientMessage, parseMessage } from "./protocol.ts";
import { scriptedModel } from "./scripted_model.ts";
import { tools } from "./tools.ts";
import { recordedKeys, type Turn, turnContext } from "./turn.ts";

const ai = wrapAISDK({ streamText }, { includeRuntimeContext: recordedKeys });

interface Env {
  readonly CHAT_AGENT: DurableObjectNamespace<ChatAgent>;
}

/** State of a connection that survives hibernation. */
interface Attachment {
  readonly socketId: string;
  readonly userId: string | undefined;
}

type TurnMessage = Exclude<ClientMessage, { type: "stop" }>;

/** An agent that chats with its connected clients. It takes one turn at a time, and each turn is one model call. */
export class ChatAgent extends DurableObject<Env> {
  readonly #conversation = new Conversation(this.ctx.storage);
  /** Abort controllers of running and waiting turns, by the connection that started them. */
  readonly #aborts = new Map<string, Set<AbortController>>();
  #lastTurn: Promise<void> = Promise.resolve();
  #pendingTurns = 0;

  override fetch(request: Request): Response {
    if (request.headers.get("upgrade") !== "websocket") {
      return new Response("A WebSocket is expected here.\n", { status: 426 });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    const socketId = crypto.randomUUID();
    const userId = new URL(request.url).searchParams.get("user") ?? undefined;
    this.ctx.acceptWebSocket(server, [socketId]);
    server.serializeAttachment({ socketId, userId } satisfies Attachment);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const message = parseMessage(data);
    if (message === undefined) {
      send(socket, { type: "refused", why: "This is not a message of this protocol." });
    } else if (message.type === "stop") {
      this.#abortTurnsOf(socket);
    } else {
      // The runtime stops reporting spans of a WebSocket event when the next event arrives. A call of a method of this
      // object is an invocation that is reported until it returns.
      const { socketId } = socket.deserializeAttachment() as Attachment;
      const self = this.env.CHAT_AGENT.get(this.ctx.id);
      this.ctx.waitUntil(self.takeTurn(socketId, message));
    }
  }

  override webSocketClose(socket: WebSocket): void {
    this.#abortTurnsOf(socket);
    socket.close();
  }

  /** Takes a turn after all earlier turns have ended. */
  async takeTurn(socketId: string, message: TurnMessage): Promise<void> {
    const [socket] = this.ctx.getWebSockets(socketId);
    if (socket === undefined) return;
    const { userId } = socket.deserializeAttachment() as Attachment;
    const turn: Turn = {
      requestId: message.id,
      trigger: message.type === "prompt" ? "message" : "approval",
      admission: this.#pendingTurns === 0 ? "immediate" : "queued",
      generation: this.#conversation.nextGeneration(),
      userId,
    };
    const abort = new AbortController();
    const aborts = this.#aborts.get(socketId) ?? new Set();
    this.#aborts.set(socketId, aborts.add(abort));
    this.#pendingTurns += 1;
    const previous = this.#lastTurn;
    const taken = previous.then(() => this.#take(turn, message, socket, abort.signal));
    this.#lastTurn = taken;
    await taken;
    this.#pendingTurns -= 1;
    aborts.delete(abort);
    await remember(turn);
  }

  /** Takes one turn and sends its result to the client. Never rejects. */
  async #take(turn: Turn, message: TurnMessage, socket: WebSocket, signal: AbortSignal) {
    const id = turn.requestId;
    try {
      this.#conversation.add(modelMessage(message));
      await this.#answer(turn, socket, signal);
      send(socket, { type: "end", id, how: signal.aborted ? "aborted" : "finished" });
    } catch (error) {
      console.error("A turn failed.", error);
      send(socket, { type: "end", id, how: "failed" });
    }
  }

  async #answer(turn: Turn, socket: WebSocket, signal: AbortSignal): Promise<void> {
    const conversationId = this.ctx.id.name ?? this.ctx.id.toString();
    const identity = { agentId: this.ctx.id.toString(), agentName: "ChatAgent", conversationId };
    const result = ai.streamText({
      model: scriptedModel(),
      messages: this.#conversation.messages,
      tools,
      toolApproval: { send_email: "user-approval" },
      stopWhen: isStepCount(5),
      abortSignal: signal,
      runtimeContext: turnContext(identity, turn),
      onError: () => {},
    });
    for await (const part of result.fullStream) {
      switch (part.type) {
        case "text-delta":
          send(socket, { type: "delta", id: turn.requestId, text: part.text });
          break;
        case "tool-approval-request":
          send(socket, {
            type: "approval-request",
            id: turn.requestId,
            approvalId: part.approvalId,
            toolName: part.toolCall.toolName,
          });
          break;
        case "error":
          throw part.error;
        default:
      }
    }
    if (!signal.aborted) this.#conversation.add(...(await result.responseMessages));
  }

  #abortTurnsOf(socket: WebSocket): void {
    const { socketId } = socket.deserializeAttachment() as Attachment;
    for (const abort of this.#aborts.get(socketId) ?? []) abort.abort();
    this.#aborts.delete(socketId);
  }
}

function modelMessage(message: TurnMessage): ModelMessage {
  if (message.type === "prompt") return { role: "user", content: message.text };
  const { approvalId, approved } = message;
  return { role: "tool", content: [{ type: "tool-approval-response", approvalId, approved }] };
}

/** Stands for the work of an agent after a turn, such as indexing or writing a summary. */
function remember({ generation }: Turn): Promise<void> {
  return tracer.withSpan("remember_turn", { "app.generation": generation }, () =>
    scheduler.wait(10),
  );
}

function send(socket: WebSocket, message: AgentMessage): void {
  try {
    socket.send(JSON.stringify(message));
  } catch {
    // The client has disconnected. `webSocketClose` aborts the turn.
  }
}
