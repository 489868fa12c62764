import * as v7 from "ai";
import * as v6 from "ai-v6";
import { type AITelemetryOptions, createAISDKTelemetry, wrapAISDK } from "isotel/ai";
import { expectTrue, type Same } from "./expect.ts";

// The namespace that comes out has the types of the one that went in, in both majors.
const ai7 = wrapAISDK(v7);
const ai6 = wrapAISDK(v6);
expectTrue<Same<typeof ai7, typeof v7>>();
expectTrue<Same<typeof ai6, typeof v6>>();
expectTrue<Same<typeof ai7.generateText, typeof v7.generateText>>();
expectTrue<Same<typeof ai7.streamText, typeof v7.streamText>>();
expectTrue<Same<typeof ai6.generateText, typeof v6.generateText>>();
expectTrue<Same<typeof ai6.streamText, typeof v6.streamText>>();
expectTrue<Same<typeof ai7.tool, typeof v7.tool>>();

// Generics still infer through the wrapped functions.
declare const model7: Exclude<v7.LanguageModel, string>;
declare const model6: Exclude<v6.LanguageModel, string>;
const tools7 = {
  weather: v7.tool({
    inputSchema: v7.jsonSchema<{ city: string }>({ type: "object" }),
    execute: async ({ city }) => city.length,
  }),
};
const result7 = await ai7.generateText({ model: model7, prompt: "p", tools: tools7 });
expectTrue<Same<typeof result7, Awaited<ReturnType<typeof direct7>>>>();
const direct7 = () => v7.generateText({ model: model7, prompt: "p", tools: tools7 });
expectTrue<Same<typeof result7.text, string>>();
const stream7 = ai7.streamText({ model: model7, prompt: "p", tools: tools7 });
const directStream7 = () => v7.streamText({ model: model7, prompt: "p", tools: tools7 });
expectTrue<Same<typeof stream7, ReturnType<typeof directStream7>>>();

const tools6 = {
  weather: v6.tool({
    inputSchema: v6.jsonSchema<{ city: string }>({ type: "object" }),
    execute: async ({ city }) => city.length,
  }),
};
const stream6 = ai6.streamText({ model: model6, prompt: "p", tools: tools6 });
const directStream6 = () => v6.streamText({ model: model6, prompt: "p", tools: tools6 });
expectTrue<Same<typeof stream6, ReturnType<typeof directStream6>>>();

// @ts-expect-error a call is still checked: there is no model
ai7.generateText({ prompt: "p" });
// @ts-expect-error a call is still checked: a prompt is no number
ai6.streamText({ model: model6, prompt: 1 });
// @ts-expect-error there is no such function in the SDK
ai7.generateNothing;

// A part of the namespace will do.
const { generateText } = wrapAISDK({ generateText: v7.generateText });
expectTrue<Same<typeof generateText, typeof v7.generateText>>();

// Options.
wrapAISDK(v7, {});
wrapAISDK(v7, { semconv: "latest", includeRuntimeContext: ["tenant"] });
wrapAISDK(v7, { storeMessages: true, storeTools: false });
wrapAISDK(v7, {
  redact: (key, value, span) => (key === "gen_ai.agent.name" ? value : span.agentName),
  enrich: ({ model }) => ({ "app.model": model }),
});
const options: AITelemetryOptions = { semconv: "agents" };
wrapAISDK(v6, options);
// @ts-expect-error there is no such convention
wrapAISDK(v7, { semconv: "otel" });
// @ts-expect-error keys are texts
wrapAISDK(v7, { includeRuntimeContext: [1] });
// @ts-expect-error keys are a list
wrapAISDK(v7, { includeRuntimeContext: "tenant" });
// @ts-expect-error there is no such option
wrapAISDK(v7, { storeEverything: true });
// @ts-expect-error redaction answers a text or undefined
wrapAISDK(v7, { redact: () => 1 });
// @ts-expect-error attributes are no objects
wrapAISDK(v7, { enrich: () => ({ bad: {} }) });
// @ts-expect-error the namespace has to be given
wrapAISDK();
// @ts-expect-error a text is no namespace
wrapAISDK("ai");

// The integration fits where v7 takes one.
v7.registerTelemetry(createAISDKTelemetry());
v7.registerTelemetry(createAISDKTelemetry(options));
// @ts-expect-error options are checked here too
createAISDKTelemetry({ semconv: "otel" });
