import { wrapAISDK as wrapWithAgents } from "agents/observability/ai";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { wrapAISDK } from "../../../dist/ai/index.js";
import { tracer } from "../../../dist/index.js";
import { type Call, callOf, type FunctionName, type Major, paramsFor } from "../ai_calls.ts";

const namespaces = { v6: aiV6, v7: aiV7 } as const;
const wraps: Readonly<Record<string, (ai: Record<string, unknown>) => object>> = {
  plain: (ai) => ai,
  isotel: wrapAISDK,
  agents: wrapWithAgents,
};

const made = new Map<string, () => Promise<void>>();

function caller(side: string, major: Major, name: FunctionName): () => Promise<void> {
  const key = `${side} ${major} ${name}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const ai = namespaces[major];
  const call: Call = callOf(wraps[side]?.(ai) ?? ai, name);
  const params = paramsFor(major, ai);
  const run = () => call(params());
  made.set(key, run);
  return run;
}

/** Makes `count` calls of one kind. Answers with their duration in milliseconds. */
async function answer({ searchParams }: URL): Promise<Response> {
  const read = (key: string) => searchParams.get(key) ?? "";
  if (!tracer.withSpan("probe", {}, (span) => span.isTraced)) {
    return new Response("Nothing is traced here.", { status: 500 });
  }
  const run = caller(read("side"), read("major") as Major, read("name") as FunctionName);
  const count = Number(read("count"));
  const start = Date.now();
  for (let i = 0; i < count; i += 1) await run();
  return new Response(String(Date.now() - start));
}

// biome-ignore lint/style/noDefaultExport: the runtime requires it.
export default {
  fetch: (request) => answer(new URL(request.url)),
} satisfies ExportedHandler;
