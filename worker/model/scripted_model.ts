import { exports } from "cloudflare:workers";
import type { CallOptions, Model, StreamPart } from "./model_types.ts";
import type { ProviderAnswer, ProviderRequest } from "./scripted_provider.ts";

type Provider = Pick<Fetcher, "fetch">;

async function ask(provider: Provider, options: CallOptions, stream: boolean): Promise<Response> {
  const body: ProviderRequest = { prompt: options.prompt, stream };
  return provider.fetch("https://provider.example/v1/chat", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(options.abortSignal === undefined ? {} : { signal: options.abortSignal }),
  });
}

/** A model that needs no key and no network. Its provider is an entrypoint. Default: the entrypoint of this Worker. */
export function scriptedModel(provider: Provider = exports.ScriptedProvider): Model {
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "scripted-1",
    supportedUrls: {},
    async doGenerate(options) {
      const { id, ...answer } = await (await ask(provider, options, false)).json<ProviderAnswer>();
      return { ...answer, warnings: [], response: { id, modelId: "scripted-1" } };
    },
    async doStream(options) {
      const { body } = await ask(provider, options, true);
      if (body === null) {
        throw new Error("The provider sent no body.");
      }
      return { stream: body.pipeThrough(new TextDecoderStream()).pipeThrough(lineParser()) };
    },
  };
}

function lineParser(): TransformStream<string, StreamPart> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        controller.enqueue(JSON.parse(line) as StreamPart);
      }
    },
  });
}
