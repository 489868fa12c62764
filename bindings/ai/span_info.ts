/** What the hooks of `wrapAISDK` are told of a span. */
export interface SpanInfo {
  /** What the span stands for: the first word of its name. */
  readonly operation:
    | "invoke_agent"
    | "chat"
    | "execute_tool"
    | "tool_approval"
    | "embeddings"
    | "rerank"
    | "generate_content";
  readonly agentName?: string | undefined;
  readonly model?: string | undefined;
  readonly toolName?: string | undefined;
  readonly toolCallId?: string | undefined;
}
