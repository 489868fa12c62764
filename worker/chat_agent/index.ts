// Example: a chat agent over a WebSocket, with one Durable Object per conversation and one invoke_agent span per turn.
import { withTelemetry } from "isotel";
import { ChatAgent as ChatAgentClass } from "./chat_agent.ts";

interface Env {
  readonly CHAT_AGENT: DurableObjectNamespace<ChatAgentClass>;
}

const help = `An agent that chats over a WebSocket, traced by isotel.

Connect to /conversations/NAME?user=ID and send JSON:
  {"type": "prompt", "id": "1", "text": "How are you?"}
  {"type": "approval", "id": "2", "approvalId": "...", "approved": true}
  {"type": "stop"}

A scripted model answers. Ask it to send an email and it wants your approval.
`;

const conversationPath = /^\/conversations\/([\w-]{1,64})$/;

export const ChatAgent = withTelemetry(ChatAgentClass);

export default withTelemetry({
  fetch(request, env) {
    const name = conversationPath.exec(new URL(request.url).pathname)?.[1];
    if (name === undefined) return new Response(help);
    return env.CHAT_AGENT.get(env.CHAT_AGENT.idFromName(name)).fetch(request);
  },
} satisfies ExportedHandler<Env>);
