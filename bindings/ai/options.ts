import { Profile } from "../core/abi.gen.ts";

/** Options of {@link wrapAISDK}. */
export interface AITelemetryOptions {
  /**
   * Names of attributes: "agents" (default), those of the Cloudflare agents package, or "latest", OpenTelemetry's
   * GenAI semantic conventions.
   */
  readonly semconv?: "agents" | "latest";
  /** Keys of the call's runtime context to record on its operation span, for every call. */
  readonly includeRuntimeContext?: readonly string[];
}

/** Options as the instrumentation uses them. */
export interface Settings {
  readonly profile: number;
  readonly contextKeys: readonly string[];
}

/**
 * Checks options.
 *
 * @throws TypeError naming the option, what it is and what it may be: the call that passes options runs once, where
 * a program starts.
 */
export function readSettings(options: AITelemetryOptions = {}): Settings {
  const { semconv = "agents", includeRuntimeContext = [] } = options;
  if (semconv !== "agents" && semconv !== "latest") {
    throw new TypeError(
      `isotel/ai: semconv is ${describe(semconv)}; it may be "agents" or "latest"`,
    );
  }
  if (!Array.isArray(includeRuntimeContext) || includeRuntimeContext.some((key) => !isKey(key))) {
    throw new TypeError(
      `isotel/ai: includeRuntimeContext is ${describe(includeRuntimeContext)}; ` +
        `it may be a list of keys, such as ["tenant"]`,
    );
  }
  return {
    profile: semconv === "latest" ? Profile.latest : Profile.agents,
    contextKeys: [...includeRuntimeContext],
  };
}

function isKey(key: unknown): boolean {
  return typeof key === "string" && key !== "";
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : typeof value;
}
