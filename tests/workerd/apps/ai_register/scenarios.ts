/** Scenarios whose spans are the same however the call is traced. */
export const alike: readonly string[] = [
  "generate_tools",
  "stream_tools",
  "generate_output",
  "generate_failing_tool",
  "stream_failing_tool",
  "generate_generator_tool",
  "stream_generator_tool",
  "generate_invalid_input",
  "generate_unknown_tool",
  "generate_provider_tool",
  "stream_provider_tool",
  "generate_provider_approval",
  "generate_same_ids",
  "generate_nested",
  "stream_nested",
  "generate_retried",
  "stream_retried",
  "generate_rejected",
  "stream_rejected",
  "stream_error_part",
  "stream_failed",
  "stream_failed_at_once",
  "generate_aborted",
  "stream_aborted",
  "stream_aborted_unread",
  "generate_prepared",
  "stream_prepared",
  "generate_disabled",
  "generate_stores",
  "stream_stores",
  "stream_response",
  "embed",
  "embed_rejected",
  "rerank",
  "speech",
  "transcribe",
];

/** The same, of those the channel does not tell enough of. */
export const alikeWithHooks: readonly string[] = [
  "stream_invalid_input",
  "generate_hidden",
  "stream_hidden",
  "generate_rejected_hidden",
  "approval_requested",
  "object",
  "object_rejected",
];

/** The same, of those only wrapping shows alike. */
export const alikeWhenWrapped: readonly string[] = [
  "agent",
  "embed_many",
  "embed_retried",
  "object_streamed",
  "approval_denied",
];
