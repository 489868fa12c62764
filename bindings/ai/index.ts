import { workersTelemetry } from "../trace/workers_telemetry.ts";
import type { AITelemetryOptions } from "./options.ts";
import { traceChannel } from "./channel.ts";
import { type AISDKTelemetry, createIntegration } from "./register.ts";
import { wrapNamespace } from "./wrap.ts";

export type { AITelemetryOptions } from "./options.ts";
export type { AISDKTelemetry } from "./register.ts";

/**
 * Wraps the AI SDK (v6 or v7) so that every call gives one trace: `invoke_agent` with a `chat` span for each model
 * call and an `execute_tool` span for each tool that ran. Use the functions of the result as the originals: results,
 * errors and streams are theirs.
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
 * An integration for v7's `registerTelemetry`: the same trace as {@link wrapAISDK}, without wrapping.
 *
 * ```ts
 * import { registerTelemetry } from "ai";
 * registerTelemetry(createAISDKTelemetry());
 * ```
 *
 * @throws TypeError when an option has no such value.
 */
export function createAISDKTelemetry(options?: AITelemetryOptions): AISDKTelemetry {
  return createIntegration(workersTelemetry, options);
}

/**
 * Traces calls of v7 through the tracing channel `ai:telemetry`.
 *
 * @returns what stops it.
 * @throws TypeError when an option has no such value.
 */
export function traceAISDKChannel(options?: AITelemetryOptions): () => void {
  return traceChannel(workersTelemetry, options);
}
