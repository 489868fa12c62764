import { workersTelemetry } from "../trace/workers_telemetry.ts";
import { traceChannel } from "./hooks/channel.ts";
import { type AISDKTelemetry, createIntegration } from "./hooks/register.ts";
import type { AITelemetryOptions } from "./options.ts";
import { wrapNamespace } from "./sdk/wrap.ts";

export type { AISDKTelemetry } from "./hooks/register.ts";
export type { AITelemetryOptions } from "./options.ts";

/**
 * Wraps the AI SDK (v6 or v7) so that every call gives one trace. Text, objects and agents: `invoke_agent` with a `chat`
 * span for each model call and an `execute_tool` span for each tool that ran, here or at the provider, or was called in
 * vain. Embeddings, rankings, images, speech, transcription and video: one span for each request to the model. Use the
 * exports of the result as the originals: results, errors and streams are theirs.
 *
 * ```ts
 * import * as ai from "ai";
 * const { generateText, streamText } = wrapAISDK(ai);
 * ```
 *
 * @param ai the namespace of the package `ai`.
 * @returns its exports, with those that call a model wrapped.
 * @throws TypeError when `ai` is not the SDK's namespace or an option has no such value.
 */
export function wrapAISDK<T extends object>(ai: T, options?: AITelemetryOptions): T {
  return wrapNamespace(workersTelemetry, ai, options);
}

/**
 * An integration for v7's `registerTelemetry`: the spans of {@link wrapAISDK} for every call that imports the SDK's own
 * functions, model requests and tools running inside their spans. Together with wrapping, and registered more than
 * once, each call is still traced once.
 *
 * ```ts
 * import { registerTelemetry } from "ai";
 * registerTelemetry(createAISDKTelemetry());
 * ```
 *
 * The SDK's hooks show less than wrapping does:
 * - A stream that is left (`break`, a cancelled reader, a client that disconnects) or never read fires no hook. Its
 *   spans end with the invocation's scope, marked as truncated, unless the invocation answered with a body, which may
 *   be that very stream. Without a scope they end when 1,000 later calls are open (`evicted_calls` of
 *   `tracer.diagnostics()` counts those); a runtime that ends the invocation first ends them without this mark.
 * - Metadata is `functionId` and what `includeRuntimeContext` of the call lets through; the option of the same name
 *   adds nothing here. An agent class is known by its `generateText` or `streamText`, not by its id.
 * - generateObject, streamObject, embed, embedMany, rerank, generateSpeech, transcribe and experimental_decide cannot
 *   be run inside their spans: requests of the provider are siblings. Retries of embeddings and rankings are spans
 *   that fail with `_OTHER`; those of the others are one span. embedMany tells no response headers, streamObject no
 *   time to the first chunk.
 * - No hook at all: generateImage, video, streamed speech, transcription and translation, a call with `integrations`
 *   of its own, `isEnabled: false`, arguments that the SDK rejects.
 * - Approvals are recorded when the call ends, and not those that a policy grants. Tool calls that the SDK rejects are
 *   recorded when their step ends, and not where `recordOutputs` is false.
 * - The address of the model's server is not told.
 *
 * @throws TypeError when an option has no such value.
 */
export function createAISDKTelemetry(options?: AITelemetryOptions): AISDKTelemetry {
  return createIntegration(workersTelemetry, options);
}

/**
 * Traces v7 through the tracing channel `ai:telemetry` of `node:diagnostics_channel`: calls that are neither wrapped
 * nor told to a registered integration, in code that cannot be changed. It needs `nodejs_compat` and a compatibility
 * date from 2026-02-19 on, and does nothing elsewhere. Calls traced by {@link wrapAISDK} or
 * {@link createAISDKTelemetry} are left to those; calling it again while it is on changes nothing.
 *
 * Besides what {@link createAISDKTelemetry} does not see, the channel does not tell
 * - of generateObject, streamObject and experimental_streamTranscribe;
 * - of a call's single requests for embeddings and the like: each call is one span, with its requests inside it;
 * - results and errors where `recordInputs` or `recordOutputs` is false: no usage, no failed tools, `error.type` is
 *   `Error`, an aborted call counts as failed;
 * - approvals of streams, and the tool calls of streams that the SDK rejects.
 *
 * @returns what stops it; spans that are open then are marked as truncated.
 * @throws TypeError when an option has no such value.
 */
export function traceAISDKChannel(options?: AITelemetryOptions): () => void {
  return traceChannel(workersTelemetry, options);
}
