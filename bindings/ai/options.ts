import { Profile } from "../core/abi.gen.ts";
import type { Attributes } from "../trace/span_runtime.ts";

/** What the hooks of `wrapAISDK` are told of a span. */
export interface SpanInfo {
  /** What the span stands for: the first word of its name. */
  readonly operation:
    | "invoke_agent"
    | "chat"
    | "execute_tool"
    | "tool_approval"
    | "embeddings"
    | "rerank"
    | "generate_content";
  readonly agentName?: string | undefined;
  readonly model?: string | undefined;
  readonly toolName?: string | undefined;
  readonly toolCallId?: string | undefined;
}

/** Options of `wrapAISDK` and `createAISDKTelemetry`. */
export interface AITelemetryOptions {
  /**
   * Names of attributes: "agents" (default), those of the Cloudflare agents package, or "latest", OpenTelemetry's
   * GenAI semantic conventions.
   */
  readonly semconv?: "agents" | "latest";
  /**
   * Record prompts and answers on chat spans (gen_ai.input.messages, gen_ai.output.messages), at most 28 KiB each;
   * false unless given. Media is described by type and size, never recorded.
   */
  readonly storeMessages?: boolean;
  /**
   * Record arguments and results of tools on execute_tool spans, and in profile latest the definitions of tools on chat
   * spans, at most 28 KiB each; false unless given.
   */
  readonly storeTools?: boolean;
  /** Keys of the call's runtime context to record on its operation span, for every call. */
  readonly includeRuntimeContext?: readonly string[];
  /**
   * Replaces every text before it leaves, those inside messages and tool values one by one; undefined drops it, and so
   * does a throw. `key` is the attribute it would go to.
   */
  readonly redact?: (key: string, value: string, span: SpanInfo) => string | undefined;
  /** Attributes to add to a span as it starts. A throw adds none. */
  readonly enrich?: (span: SpanInfo) => Attributes | undefined;
}

/** Options as the instrumentation uses them. */
export interface Settings {
  readonly profile: number;
  readonly storeMessages: boolean;
  readonly storeTools: boolean;
  readonly contextKeys: readonly string[];
  readonly redact: AITelemetryOptions["redact"];
  readonly enrich: AITelemetryOptions["enrich"];
}

/**
 * Checks options.
 *
 * @throws TypeError naming the option, what it is and what it may be: the call that passes options runs once, where
 * a program starts.
 */
export function readSettings(options: AITelemetryOptions = {}): Settings {
  const { semconv = "agents", includeRuntimeContext = [], redact, enrich } = options;
  if (semconv !== "agents" && semconv !== "latest") {
    throw invalid("semconv", semconv, '"agents" or "latest"');
  }
  if (!Array.isArray(includeRuntimeContext) || includeRuntimeContext.some((key) => !isKey(key))) {
    throw invalid(
      "includeRuntimeContext",
      includeRuntimeContext,
      'a list of keys, e.g. ["tenant"]',
    );
  }
  return {
    profile: semconv === "latest" ? Profile.latest : Profile.agents,
    storeMessages: flag("storeMessages", options.storeMessages),
    storeTools: flag("storeTools", options.storeTools),
    contextKeys: [...includeRuntimeContext],
    redact: hook("redact", redact),
    enrich: hook("enrich", enrich),
  };
}

function flag(name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== "boolean")
    throw invalid(name, value, "true or false");
  return value === true;
}

function hook<T>(name: string, value: T): T {
  if (value !== undefined && typeof value !== "function") throw invalid(name, value, "a function");
  return value;
}

function isKey(key: unknown): boolean {
  return typeof key === "string" && key !== "";
}

function invalid(name: string, value: unknown, allowed: string): TypeError {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : typeof value;
  return new TypeError(`isotel/ai: ${name} is ${shown}; it may be ${allowed}`);
}
