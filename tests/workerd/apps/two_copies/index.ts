// A Worker with two copies of the package.
import "./console.ts";

import { env } from "cloudflare:workers";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { tracer, withTelemetry } from "isotel";
import * as first from "isotel/ai";
import { tracer as secondTracer } from "isotel-second";
import * as second from "isotel-second/ai";
import { answer, modelOf, textParts } from "../ai_sdk/models.ts";
import { lines } from "./console.ts";

const { MAJOR, FIRST, SECOND, NESTED } = env as unknown as Record<string, string>;

const namespace = (MAJOR === "v6" ? aiV6 : aiV7) as typeof aiV7;

/** Lets a copy trace the SDK. Returns the functions to call. */
function traced(copy: typeof first, how: string | undefined, ai: typeof aiV7): typeof aiV7 {
  if (how === "wrap") return copy.wrapAISDK(ai);
  if (how === "register") aiV7.registerTelemetry(copy.createAISDKTelemetry());
  if (how === "channel") copy.traceAISDKChannel();
  return ai;
}

const ofFirst = traced(first, FIRST, namespace);
const ofSecond = traced(second, SECOND, NESTED === "" ? namespace : ofFirst);
const ways = NESTED === "" ? [ofFirst, ofSecond] : [ofSecond];

const specificationVersion = (MAJOR === "v6" ? "v3" : "v4") as "v4";
const model = () => ({ ...modelOf(() => answer(textParts(2))), specificationVersion });

async function callAll(): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const { generateText, streamText, ToolLoopAgent } of ways) {
    texts.push((await generateText({ prompt: "p", model: model() })).text);
    texts.push(await streamText({ prompt: "p", model: model() }).text);
    texts.push((await new ToolLoopAgent({ model: model() }).generate({ prompt: "p" })).text);
  }
  return texts;
}

export default withTelemetry({
  async fetch(request: Request) {
    switch (new URL(request.url).pathname) {
      case "/calls":
        return Response.json(await callAll());
      case "/state":
        return Response.json({
          lines,
          opened: [tracer, secondTracer].map((one) => one.diagnostics()["spans_opened"]),
        });
      default:
        return new Response(null, { status: 404 });
    }
  },
});
