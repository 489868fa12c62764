// A program with two copies of the package. Prints what they record of the calls of the AI SDK.
import { argv, stdout } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type * as Isotel from "isotel";
import type * as IsotelAI from "isotel/ai";
import { type Functions, sdks, textAnswer, textParts } from "./ai_sdk.ts";
import { bytesOfBodies, QueueDouble } from "./runtime_doubles.ts";

/** What the program is told. */
export interface TwoCopiesInput {
  readonly major: "v6" | "v7";
  /** What each copy does: wrap, register or channel. */
  readonly first: string;
  readonly second: string;
  /** Whether one copy wraps what the other has wrapped. Otherwise both wrap the namespace of the SDK. */
  readonly isNested: boolean;
  /** The copy whose metrics and export are set up. */
  readonly setUp: "first" | "second";
  /** The files of the second copy. */
  readonly entries: Readonly<Record<string, string>>;
}

/** What the program prints. */
export interface TwoCopiesOutput {
  readonly console: readonly string[];
  /** Spans as the export received them. */
  readonly spans: readonly { readonly name: string; readonly parent: string | undefined }[];
  /** Frames of metrics in base64. */
  readonly frames: readonly string[];
  readonly texts: readonly string[];
  /** The number of spans that each copy opened. */
  readonly opened: readonly number[];
}

interface OtlpSpan {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

const input = JSON.parse(String(argv[2])) as TwoCopiesInput;
const lines: string[] = [];
console.error = (line: unknown) => void lines.push(String(line));

const received: OtlpSpan[] = [];
globalThis.fetch = async (_url, init) => {
  const body = JSON.parse(await new Response(init?.body as BodyInit).text()) as {
    resourceSpans?: { scopeSpans: { spans: OtlpSpan[] }[] }[];
  };
  for (const { scopeSpans } of body.resourceSpans ?? []) {
    for (const { spans } of scopeSpans) received.push(...spans);
  }
  return Response.json({});
};

interface PackageCopy {
  readonly isotel: typeof Isotel;
  readonly ai: typeof IsotelAI;
}

async function load(entry: (name: string) => string): Promise<PackageCopy> {
  const isotel = (await import(entry(""))) as typeof Isotel;
  const ai = (await import(entry("ai"))) as typeof IsotelAI;
  await import(entry("metrics"));
  await import(entry("otlp"));
  return { isotel, ai };
}

const first = await load((name) => (name === "" ? "isotel" : `isotel/${name}`));
const second = await load((name) => pathToFileURL(input.entries[name] as string).href);

const sdk = sdks.find(({ name }) => name === input.major) as (typeof sdks)[number];
const namespace = sdk.namespace as AllFunctions;
const { registerTelemetry } = sdk.namespace as unknown as {
  registerTelemetry(integration: object): void;
};

interface AllFunctions extends Functions {
  readonly ToolLoopAgent: new (
    settings: object,
  ) => { generate(options: object): Promise<{ readonly text: string }> };
}

/** Lets a copy trace the SDK. Returns the functions to call. */
function traced({ ai }: PackageCopy, how: string, functions: AllFunctions): AllFunctions {
  if (how === "wrap") return ai.wrapAISDK(functions);
  if (how === "register") registerTelemetry(ai.createAISDKTelemetry());
  if (how === "channel") ai.traceAISDKChannel();
  return functions;
}

const ofFirst = traced(first, input.first, namespace);
const ofSecond = traced(second, input.second, input.isNested ? ofFirst : namespace);
// Each way to call the SDK is used once if the copies do not wrap each other.
const ways = input.isNested ? [ofSecond] : [...new Set([ofFirst, ofSecond])];

const texts: string[] = [];

async function callAll(): Promise<void> {
  for (const { generateText, streamText, ToolLoopAgent } of ways) {
    const { text } = await generateText({
      prompt: "p",
      model: sdk.model({ generate: [textAnswer("generated")] }),
    });
    texts.push(text);
    const model = sdk.model({ stream: [textParts("streamed")] });
    texts.push(await streamText({ prompt: "p", model }).text);
    const agent = new ToolLoopAgent({ model: sdk.model({ generate: [textAnswer("worked")] }) });
    texts.push((await agent.generate({ prompt: "p" })).text);
  }
}

const frames: string[] = [];
const queue = new QueueDouble((bodies) => {
  for (const bytes of bytesOfBodies(bodies)) frames.push(Buffer.from(bytes).toString("base64"));
});
const works: Promise<unknown>[] = [];
const ctx = { waitUntil: (work: Promise<unknown>) => void works.push(work) };

const handler = {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/calls") await callAll();
    return new Response();
  },
};
const options = () => ({
  metrics: { queue: queue as never, flushIntervalMs: 100 },
  otlp: {
    backend: "custom" as const,
    endpoint: "http://localhost:1",
    format: "json" as const,
    compression: "none" as const,
  },
});
const worker = { first, second }[input.setUp].isotel.withTelemetry(handler, options);
const env = {};
for (const path of ["/calls", "/", "/"]) {
  const run = worker.fetch as (...args: unknown[]) => Promise<Response>;
  await run(new Request(`http://localhost${path}`), env, ctx);
  await sleep(110);
  for (let i = 0; i < works.length; i += 1) await works[i];
}

const names = new Map(received.map(({ spanId, name }) => [spanId, name]));
const output: TwoCopiesOutput = {
  console: lines,
  spans: received.map(({ name, parentSpanId = "" }) => ({ name, parent: names.get(parentSpanId) })),
  frames,
  texts,
  opened: [first, second].map(
    ({ isotel }) => isotel.tracer.diagnostics()["spans_opened"] ?? Number.NaN,
  ),
};
stdout.write(JSON.stringify(output));
