import { routeAgentRequest } from "agents";
import { wrapAISDK as wrapWithAgents } from "agents/observability/ai";
import * as ai from "ai";
import { wrapAISDK } from "../../../dist/ai/index.js";
import { tracer, withTelemetry } from "../../../dist/index.js";
import { recordedKeys } from "../../../worker/chat_agent/turn.ts";
import { asDeployed } from "../harness/as_deployed.ts";
import { chatClass, fastMs, lastingChatClass } from "./chat.ts";
import { talkerClass } from "./talker.ts";

const options = { includeRuntimeContext: recordedKeys };
const { streamText } = wrapAISDK(ai, options);
const outside = wrapAISDK(wrapWithAgents(ai), options).streamText;
const inside = wrapWithAgents({ ...wrapAISDK(ai, options) }).streamText;

export const PlainTalker = asDeployed(talkerClass(ai.streamText, "PlainTalker"));
export const TracedTalker = asDeployed(withTelemetry(talkerClass(streamText, "TracedTalker")));
export const OutsideTalker = asDeployed(withTelemetry(talkerClass(outside, "OutsideTalker")));
export const InsideTalker = asDeployed(withTelemetry(talkerClass(inside, "InsideTalker")));
export const PlainChat = asDeployed(chatClass(ai.streamText));
export const TracedChat = asDeployed(withTelemetry(chatClass(streamText)));

export const BeatingChat = asDeployed(withTelemetry(chatClass(streamText, fastMs)));
export const LastingChat = asDeployed(withTelemetry(lastingChatClass(streamText, "LastingChat")));

interface Env {
  readonly TracedTalker: DurableObjectNamespace;
  readonly PlainTalker: DurableObjectNamespace;
}

interface TalkerStub {
  ask(text: string): Promise<string>;
}

export default withTelemetry({
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/diagnostics") return Response.json(tracer.diagnostics());
    const [, binding, name] = /^\/ask\/(PlainTalker|TracedTalker)\/([\w-]+)$/.exec(pathname) ?? [];
    if (name !== undefined) {
      const namespace = env[binding as keyof Env];
      const stub = namespace.get(namespace.idFromName(name)) as unknown as TalkerStub;
      return new Response(await stub.ask("Good morning"));
    }
    const response = await routeAgentRequest(request, env);
    return response ?? new Response("No such agent.\n", { status: 404 });
  },
} satisfies ExportedHandler<Env>);
