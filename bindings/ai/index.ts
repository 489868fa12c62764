import { registerInCopies, traceChannelInCopies, wrapInCopies } from "./copies.ts";
import type { AISDKTelemetry } from "./hooks/register.ts";
import type { AITelemetryOptions } from "./options.ts";

export type { TokenPrices } from "../core/prices.ts";
export type { AISDKTelemetry } from "./hooks/register.ts";
export type { AITelemetryOptions } from "./options.ts";

/**
 * Wraps functions and agent classes of the AI SDK (v6 or v7) so that each call produces one trace. Use the exports of
 * the result like the originals. Results, errors and streams do not change.
 *
 * - Text, objects and agents: an `invoke_agent` span. Below it a `chat` span for each model call and an `execute_tool`
 *   span for each tool call, by the SDK or the provider. A rejected tool call has a span too.
 * - Embeddings, rerankings, images, speech, transcription and video: one span for each request to the model.
 *
 * ```ts
 * import { generateText, streamText } from "ai";
 * const ai = wrapAISDK({ generateText, streamText });
 * ```
 *
 * A model that is a string is traced in generateText, streamText and agents. For other functions, pass the SDK's
 * `gateway` too. Otherwise the requests of such models have no spans, which is logged once.
 *
 * @param ai Exports of the package `ai`: single functions, or the whole namespace. With the namespace, a bundler keeps
 *   the whole package.
 * @returns The exports that were passed. Functions and classes that call a model are wrapped.
 * @throws TypeError if `ai` has no function that calls a model, or if an option is invalid or does not exist.
 */
export function wrapAISDK<T extends object>(ai: T, options?: AITelemetryOptions): T {
  return wrapInCopies(ai, options);
}

/**
 * Returns an integration for `registerTelemetry` of v7. It makes the spans of {@link wrapAISDK} for calls of the SDK's
 * original functions. Model requests and tools run inside their spans. A call is traced once, even if the SDK is also
 * wrapped or the integration is registered more than once.
 *
 * ```ts
 * import { registerTelemetry } from "ai";
 * registerTelemetry(createAISDKTelemetry());
 * ```
 *
 * The hooks of the SDK report less than wrapping does:
 *
 * - A stream that is abandoned (`break`, a cancelled reader, a client that disconnects) or never read calls no hook.
 *   Its spans end as truncated with the scope of the invocation, or when the client disconnects. They stay open if the
 *   invocation responded with a body, because that body may be the stream. Without a scope they end as truncated when
 *   1,000 later calls are open; `evicted_calls` of `tracer.diagnostics()` counts them. If the runtime ends the
 *   invocation first, they end without the mark.
 * - Hooks do not get the caller's signal. If a call without a stream is aborted with a reason other than an AbortError,
 *   it counts as failed. If `AbortSignal.timeout` ends the call and the model rejects with an AbortError, it counts as
 *   canceled. A streamObject that is aborted ends as truncated. If a call never settles after an abort, the runtime ends
 *   its spans, without end attributes.
 * - Errors of a stream outside of its model calls may be missing: those of transforms, `toModelOutput`, `stopWhen`,
 *   `needsApproval`, `prepareStep` and downloads. The SDK parses an output after it has called the hooks, so a failure
 *   to parse it is missing.
 * - Metadata consists of `functionId` and the keys that `includeRuntimeContext` of the call includes. The option
 *   `includeRuntimeContext` has no effect. An agent is identified by its `generateText` or `streamText` call, not by
 *   its id.
 * - The SDK cannot run generateObject, streamObject, embed, embedMany, rerank, generateSpeech, transcribe and
 *   experimental_decide inside their spans. Requests to the provider are siblings of these spans. Retries of embeddings
 *   and rerankings are spans that fail with `_OTHER`. Retries of the other functions share one span. embedMany reports
 *   no response headers. streamObject reports no time to first chunk.
 * - Some calls have no hooks: generateImage, video, streamed speech, transcription and translation, calls with an
 *   `integrations` option, calls with `isEnabled: false`, and calls whose arguments the SDK rejects.
 * - Approvals are recorded when the call ends. Approvals that a policy grants are not recorded. Tool calls that the SDK
 *   rejects or the client runs are recorded when their step ends, except where `recordOutputs` is false.
 * - The address of the model's server is not reported.
 *
 * @throws TypeError if an option is invalid or does not exist.
 */
export function createAISDKTelemetry(options?: AITelemetryOptions): AISDKTelemetry {
  return registerInCopies(options);
}

/**
 * Traces v7 through the tracing channel `ai:telemetry` of `node:diagnostics_channel`. It covers calls in code that
 * cannot be changed: calls that are not wrapped and not covered by a registered integration. Requires `nodejs_compat`
 * and a compatibility date of 2026-02-19 or later. Logs once and does nothing if the runtime has no channel. Does not
 * trace calls that {@link wrapAISDK} or {@link createAISDKTelemetry} trace. A second call while it is active has no
 * effect.
 *
 * The limits of {@link createAISDKTelemetry} apply. In addition, the channel does not report:
 *
 * - generateObject, streamObject and experimental_streamTranscribe
 * - single requests of embeddings and similar calls: each call is one span and contains its requests
 * - results and errors where `recordInputs` or `recordOutputs` is false: there is no usage and no failed tool,
 *   `error.type` is `Error`, and an aborted call counts as failed
 * - approvals of streams, and tool calls of streams that the SDK rejects or the client runs
 *
 * @returns A function that stops tracing. It ends open spans as truncated.
 * @throws TypeError if an option is invalid or does not exist.
 */
export function traceAISDKChannel(options?: AITelemetryOptions): () => void {
  return traceChannelInCopies(options);
}
