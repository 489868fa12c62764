import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAI as createOpenAIV6 } from "ai-sdk-openai-v6";
import {
  type Api,
  type HttpOutcome,
  httpOutcomes,
  type Major,
} from "../../http_provider/scripts.ts";
import { socketFetch } from "./socket_fetch.ts";
import type { Call, Namespace, OpenAI, Readable, Subject } from "./subjects.ts";

export interface Run {
  readonly major: Major;
  readonly api: Api;
  readonly outcome: HttpOutcome;
  /** Where the provider listens. */
  readonly provider: string;
  /** The name under which it counts the requests. */
  readonly run: string;
}

/** What the caller of a function saw. */
export interface Report {
  readonly value?: unknown;
  readonly error?: unknown;
  readonly chunks: readonly unknown[];
}

const factories: Readonly<Record<Major, typeof createOpenAI>> = {
  v6: createOpenAIV6 as unknown as typeof createOpenAI,
  v7: createOpenAI,
};

/** Calls a function with a model of the provider and reads its stream as the outcome says. */
export async function run(ai: Namespace, subject: Subject, options: Run): Promise<Report> {
  const { outcome } = options;
  const abort = new AbortController();
  const chunks: unknown[] = [];
  const report = async (rest: object) => {
    // What is under way when a caller has left comes to its end.
    await scheduler.wait(20);
    const seen = JSON.stringify({ ...rest, chunks }).replaceAll(options.run, "RUN");
    return JSON.parse(seen) as Report;
  };
  try {
    const pending = subject.call(callOf(ai, options, abort.signal));
    if (subject.stream === undefined) {
      if (outcome === "abort") void arrival(options).then(() => abort.abort());
      return await report({ value: described(await pending) });
    }
    await consume(subject.stream((await pending) as never), outcome, abort, chunks);
    return await report({});
  } catch (error) {
    return await report({ error: described(error) });
  }
}

function baseUrl({ outcome, provider, run }: Run): string {
  return `${provider}/${httpOutcomes[outcome]}/${run}/v1`;
}

/** Resolves when the provider has the first request of the run. */
async function arrival(options: Run): Promise<void> {
  await (await fetch(`${baseUrl(options)}/arrived`)).text();
}

export function callOf(ai: Namespace, options: Run, abortSignal?: AbortSignal): Call {
  const { major, api, outcome } = options;
  const baseURL = baseUrl(options);
  const openai: OpenAI = factories[major]({
    baseURL,
    apiKey: "test",
    ...(outcome === "reset" && { fetch: socketFetch }),
  });
  const telemetry = { isEnabled: true, functionId: "tester" };
  const isRetried = outcome.startsWith("retry") || outcome === "error_500";
  return {
    ai,
    provider: openai,
    api,
    toolUrl: `${baseURL}/tool`,
    parameters: {
      maxRetries: isRetried ? 1 : 0,
      onError: () => {},
      ...(abortSignal && { abortSignal }),
      ...(major === "v7" ? { telemetry } : { experimental_telemetry: telemetry }),
    },
  };
}

const output = new Set(["text-delta", "object"]);

async function consume(
  stream: Readable,
  outcome: HttpOutcome,
  abort: AbortController,
  chunks: unknown[],
): Promise<void> {
  const take = (chunk: unknown) => {
    chunks.push(described(chunk));
    return output.has((chunk as { type: string }).type);
  };
  if (outcome === "cancel") {
    const reader = stream.getReader();
    while (!take((await reader.read()).value));
    await reader.cancel();
    return;
  }
  for await (const chunk of stream) {
    const isOutput = take(chunk);
    if (isOutput && outcome === "break") break;
    if (isOutput && outcome === "abort") abort.abort();
  }
}

const volatile = new Set(["id", "timestamp", "date", "callId", "performance", "messageId"]);

/** A value as far as it is the same in every run. */
function described(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, item: unknown) => {
      if (volatile.has(key)) return undefined;
      if (item instanceof Error) {
        const { name, message, cause } = item;
        return { name, message, cause };
      }
      return item;
    }) ?? "null",
  );
}
