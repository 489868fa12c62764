import { AIChatAgent, type OnChatMessageOptions } from "@cloudflare/ai-chat";
import { convertToModelMessages, isStepCount, type streamText as StreamText } from "ai";
import { scriptedModel } from "../../../worker/chat_agent/scripted_model.ts";
import { tools } from "../../../worker/chat_agent/tools.ts";

type Env = Record<string, DurableObjectNamespace>;
type Turn = Pick<OnChatMessageOptions, "requestId" | "abortSignal" | "continuation">;

/** A heartbeat of which there are several in a long turn. */
export const fastMs = 50;

const unknownTurn: Turn = { requestId: "unknown" };

/**
 * A chat agent as its package shows it, whose turn is one call of the model.
 *
 * @param heartbeatMs how often, during a turn, an alarm of the package keeps the object alive.
 */
export function chatClass(streamText: typeof StreamText, heartbeatMs = 30_000) {
  return class Chat extends AIChatAgent<Env> {
    static override options = { keepAliveIntervalMs: heartbeatMs };

    override onChatMessage(_onFinish: unknown, turn: Turn = unknownTurn): Promise<Response> {
      return this.answer(turn);
    }

    async answer({ requestId, abortSignal, continuation }: Turn): Promise<Response> {
      const result = streamText({
        model: scriptedModel(),
        messages: await convertToModelMessages(this.messages),
        tools,
        stopWhen: isStepCount(3),
        ...(abortSignal !== undefined && { abortSignal }),
        runtimeContext: {
          agentName: "Chat",
          agentId: this.ctx.id.toString(),
          conversationId: this.name,
          "cloudflare.agents.turn.request_id": requestId,
          "cloudflare.agents.turn.continuation": continuation ?? false,
        },
      });
      return result.toUIMessageStreamResponse();
    }
  };
}

/**
 * The same with a fast heartbeat, whose turn is an invocation that lasts as long as its answer.
 *
 * @param binding the name under which it finds itself in its environment.
 */
export function lastingChatClass(streamText: typeof StreamText, binding: string) {
  return class Chat extends chatClass(streamText, fastMs) {
    readonly #turns = new Map<string, Turn>();

    override async onChatMessage(_onFinish: unknown, turn = unknownTurn): Promise<Response> {
      const namespace = this.env[binding] as DurableObjectNamespace<Chat>;
      // The call reaches this object again. A signal cannot be sent along.
      this.#turns.set(turn.requestId, turn);
      return namespace.get(this.ctx.id).takeTurn(turn.requestId);
    }

    takeTurn(requestId: string): Promise<Response> {
      const turn = this.#turns.get(requestId) ?? unknownTurn;
      this.#turns.delete(requestId);
      return this.answer(turn);
    }
  };
}
