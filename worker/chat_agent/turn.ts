/** One turn of a conversation: its trigger and how it was admitted. */
export interface Turn {
  readonly requestId: string;
  readonly trigger: "message" | "approval";
  /** "queued" if the turn waited for an earlier one. */
  readonly admission: "immediate" | "queued";
  /** The number of the turn in the conversation, from 1. */
  readonly generation: number;
  readonly userId: string | undefined;
}

/** The agent that takes the turn. */
export interface AgentIdentity {
  readonly agentId: string;
  readonly agentName: string;
  readonly conversationId: string;
}

/**
 * The keys of the runtime context that the operation span records. The keys of the identity are not listed: they are
 * always recorded.
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

/** Returns the runtime context of a turn's model call. */
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
