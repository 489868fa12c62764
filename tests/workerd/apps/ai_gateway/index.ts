import { createOpenAI } from "@ai-sdk/openai";
import * as aiV7 from "ai";
import { createOpenAI as createOpenAIV6 } from "ai-sdk-openai-v6";
import * as aiV6 from "ai-v6";
import { tracer } from "isotel";
import { createAISDKTelemetry, wrapAISDK } from "isotel/ai";
import { type AIGatewayOptions, configureAIGateway } from "isotel/gateway";
import { type Route, routes } from "../../harness/routes.ts";

interface Functions {
  generateText(params: object): Promise<{ readonly text: string }>;
  streamText(params: object): { readonly textStream: AsyncIterable<string> };
  embed(params: object): Promise<{ readonly embedding: readonly number[] }>;
}

const origin = "https://gateway.ai.cloudflare.com";

const majors = {
  v6: { ai: wrapAISDK(aiV6) as unknown as Functions, create: createOpenAIV6 },
  v7: { ai: wrapAISDK(aiV7) as unknown as Functions, create: createOpenAI },
  // As it is, with an integration of its own for each call.
  hooks: { ai: aiV7 as unknown as Functions, create: createOpenAI },
} as const;

/** A `fetch` that reaches the gateway's double where it is. */
function toDouble(server: string): typeof fetch {
  return (input, init) => {
    if (input instanceof Request) {
      return fetch(new Request(input.url.replace(origin, server), input), init);
    }
    return fetch(String(input).replace(origin, server), init);
  };
}

function configure({ searchParams }: URL) {
  const given = JSON.parse(searchParams.get("options") ?? "{}") as AIGatewayOptions;
  const server = searchParams.get("server") ?? "";
  // Account, gateway and token come from the Worker's variables.
  return configureAIGateway({ ...given, fetch: toDouble(server) });
}

/** Hides from the provider what the gateway says. */
function hiding(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const { body, status, headers } = await send(input, init);
    return new Response(body, {
      status,
      headers: { "content-type": headers.get("content-type") ?? "" },
    });
  };
}

const call: Route = async (url) => {
  const text = (key: string) => url.searchParams.get(key) ?? "";
  const { ai, create } = majors[text("major") as keyof typeof majors];
  const gateway = configure(url);
  const provider = create({
    apiKey: "provider-key",
    ...gateway,
    ...(text("hides") === "true" && { fetch: hiding(gateway.fetch) }),
  } as never);
  const model = text("model");
  const params = {
    maxRetries: 0,
    telemetry: text("major") === "hooks" ? { integrations: [createAISDKTelemetry()] } : {},
  };
  const language = { ...params, prompt: "hello", model: provider.chat(model) };
  switch (text("function")) {
    case "streamText": {
      let answer = "";
      const { textStream } = ai.streamText({ ...language, onError: () => {} });
      for await (const delta of textStream) answer += delta;
      return { answer };
    }
    case "embed": {
      const embedding = { ...params, value: "hello", model: provider.embedding(model) };
      return { answer: (await ai.embed(embedding)).embedding };
    }
    default:
      try {
        return { answer: (await ai.generateText(language)).text };
      } catch (error) {
        return { failure: (error as Error).name };
      }
  }
};

const bytes = new TextEncoder().encode('{"model":"plain"}');

/** What a client that knows nothing of the AI SDK may hand to `fetch`. */
const requests: Readonly<Record<string, (target: string) => Parameters<typeof fetch>>> = {
  text: (target) => [target, { method: "POST", body: bytes, headers: { "x-own": "1" } }],
  url: (target) => [new URL(target), { method: "POST", body: bytes, headers: [["x-own", "1"]] }],
  headers: (target) => [
    target,
    { method: "POST", body: bytes, headers: new Headers({ "x-own": "1" }) },
  ],
  request: (target) => [
    new Request(target, { method: "POST", body: bytes, headers: { "x-own": "1" } }),
  ],
  request_as_options: (target) => [
    target,
    new Request(target, { method: "POST", body: bytes, headers: { "x-own": "1" } }),
  ],
  stream: (target) => {
    const { readable, writable } = new FixedLengthStream(bytes.length);
    const writer = writable.getWriter();
    void writer.write(bytes).then(() => writer.close());
    return [target, { method: "POST", body: readable, headers: { "x-own": "1" } }];
  },
  own_ids: (target) => [
    target,
    {
      method: "POST",
      body: bytes,
      headers: { "x-own": "1", "CF-AIG-OTEL-Trace-ID": "f".repeat(32) },
    },
  ],
};

const plain: Route = async (url) => {
  const kind = url.searchParams.get("kind") ?? "";
  const { baseURL, headers, fetch: send } = configure(url);
  const [input, init] = requests[kind]?.(`${baseURL}/chat/completions`) ?? [baseURL];
  const authorization = headers["cf-aig-authorization"];
  const post = async () => (await send(input, init)).status;
  if (url.searchParams.get("span") === "none") return { status: await post(), authorization };
  return { status: await tracer.withSpan("plain", {}, post), authorization };
};

/** The same `fetch` for somebody else's server. */
const elsewhere: Route = async (url) => {
  const target = `${url.searchParams.get("server")}/elsewhere`;
  const { fetch: send } = configure(url);
  return await tracer.withSpan("elsewhere", {}, async () => (await send(target)).status);
};

export default routes({
  "/call": call,
  "/plain": plain,
  "/elsewhere": elsewhere,
  "/diagnostics": () => tracer.diagnostics(),
});
