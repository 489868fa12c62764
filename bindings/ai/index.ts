import { workersTelemetry } from "../trace/workers_telemetry.ts";
import type { AITelemetryOptions } from "./options.ts";
import { wrapNamespace } from "./wrap.ts";

export type { AITelemetryOptions } from "./options.ts";

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
