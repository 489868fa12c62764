import { WorkerEntrypoint } from "cloudflare:workers";
import type { Content, Message, StreamPart } from "./model_types.ts";
import { nextTurn, type Turn } from "./script.ts";

export interface ProviderRequest {
  readonly prompt: readonly Message[];
  readonly stream: boolean;
}

export type ProviderAnswer = Turn & { readonly id: string };

const textChunks = 20;
const millisecondsPerChunk = 2;

/** Stands for the HTTP API of a model provider. Answers with JSON, or with one stream part per line. */
export class ScriptedProvider extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    const { prompt, stream } = await request.json<ProviderRequest>();
    const answer: ProviderAnswer = { id: `resp_${prompt.length}`, ...nextTurn(prompt) };
    await scheduler.wait(10);
    if (!stream) {
      return Response.json(answer);
    }
    const lines = streamOf(partsOf(answer)).pipeThrough(new TextEncoderStream());
    return new Response(lines, { headers: { "content-type": "application/x-ndjson" } });
  }
}

function* partsOf({ id, content, finishReason, usage }: ProviderAnswer): Generator<StreamPart> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "response-metadata", id };
  for (const part of content) {
    yield* partsOfContent(part);
  }
  yield { type: "finish", finishReason, usage };
}

function* partsOfContent(part: Content): Generator<StreamPart> {
  if (part.type !== "text") {
    yield part as StreamPart;
    return;
  }
  const { text } = part;
  const size = Math.ceil(text.length / textChunks);
  yield { type: "text-start", id: "text" };
  for (let start = 0; start < text.length; start += size) {
    yield { type: "text-delta", id: "text", delta: text.slice(start, start + size) };
  }
  yield { type: "text-end", id: "text" };
}

function streamOf(parts: Generator<StreamPart>): ReadableStream<string> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = parts.next();
      if (done) {
        controller.close();
        return;
      }
      await scheduler.wait(millisecondsPerChunk);
      controller.enqueue(`${JSON.stringify(value)}\n`);
    },
  });
}
