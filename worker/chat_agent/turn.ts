/** One turn of a conversation: what began it and how it came to run. */
export interface Turn {
  readonly requestId: string;
  readonly trigger: "message" | "approval";
  /** "queued": it waited for a turn before it. */
  readonly admission: "immediate" | "queued";
  /** Its number in the conversation, from 1. */
  readonly generation: number;
  readonly userId: string | undefined;
}

/** Who takes the turn. */
export interface AgentIdentity {
  readonly agentId: string;
  readonly agentName: string;
  readonly conversationId: string;
}

/**
 * The keys of the context that go onto the operation span. The identity needs no leave: it is recorded because it
 * names the call.
 */
export const recordedKeys: readonly string[] = [
  "cloudflare.agents.turn.request_id",
  "cloudflare.agents.turn.trigger",
  "cloudflare.agents.turn.admission",
  "cloudflare.agents.turn.channel",
  "cloudflare.agents.turn.continuation",
  "cloudflare.agents.turn.generation",
  "userId",
];

/** The runtime context of a turn's model call. */
export function turnContext(identity: AgentIdentity, turn: Turn): Record<string, unknown> {
  return {
    ...identity,
    "cloudflare.agents.turn.request_id": turn.requestId,
    "cloudflare.agents.turn.trigger": turn.trigger,
    "cloudflare.agents.turn.admission": turn.admission,
    "cloudflare.agents.turn.channel": "websocket",
    "cloudflare.agents.turn.continuation": turn.trigger === "approval",
    "cloudflare.agents.turn.generation": turn.generation,
    userId: turn.userId,
  };
}
