/** The start attributes of a chat span. */
export const chatStart = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
  "gen_ai.request.temperature": 0.5,
  "gen_ai.request.top_p": 1,
  "gen_ai.request.max_tokens": 100,
  "gen_ai.request.stream": true,
  "gen_ai.agent.name": "booking",
  "gen_ai.conversation.id": "conv-42",
  "cloudflare.agents.integration.name": "ai-sdk",
  "cloudflare.agents.operation.name": "doStream",
  "gen_ai.output.type": "text",
};

/** The end attributes of a chat span. */
export const chatFinish = {
  "gen_ai.usage.input_tokens": 10,
  "gen_ai.usage.output_tokens": 20,
  "gen_ai.response.id": "resp-1",
  "gen_ai.response.model": "gpt-4o-2024",
  "cloudflare.agents.response.finish_reason": "stop",
  "gen_ai.response.time_to_first_chunk": 0.5,
  "cloudflare.agents.tool.count": 1,
  "cloudflare.agents.usage.total_tokens": 30,
};
