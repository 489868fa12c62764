import { type OptionNames, unknownOption } from "../base/options.ts";
import { shapeOf } from "../base/values.ts";
import { Profile } from "../core/abi.gen.ts";
import { type ModelPrice, readPrices, type TokenPrices } from "../core/prices.ts";
import type { Attributes } from "../trace/span_runtime.ts";

/** Describes a span to the hooks of `wrapAISDK`. */
export interface SpanInfo {
  /** The operation of the span. It is the first word of the span name. */
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

/** Options of `wrapAISDK`, `createAISDKTelemetry` and `traceAISDKChannel`. */
export interface AITelemetryOptions {
  /**
   * The attribute names: "agents" for those of the Cloudflare agents package, "latest" for OpenTelemetry's GenAI
   * semantic conventions v0.1.0. Default: "agents".
   */
  readonly semconv?: "agents" | "latest";
  /**
   * Records prompts and responses on chat spans (gen_ai.input.messages, gen_ai.output.messages), at most 28 KiB each.
   * Media is described by type and size, and never recorded. Default: false.
   */
  readonly storeMessages?: boolean;
  /**
   * Records the prompt of a call and its last answer on its invoke_agent span, with the form and limits of
   * `storeMessages`. Default: false.
   */
  readonly storeAgentMessages?: boolean;
  /**
   * Records arguments and results of tools on execute_tool spans, at most 28 KiB each. With `semconv: "latest"` also
   * records tool definitions on chat spans. Default: false.
   */
  readonly storeTools?: boolean;
  /**
   * Records the messages of errors (exception.message), at most 1 KiB each. Masks keys and the secrets in addresses.
   * Messages may quote prompts and answers. Default: false.
   */
  readonly recordErrors?: boolean;
  /**
   * Sends a log record for each model call, gen_ai.client.inference.operation.details, with the attributes of its span.
   * Needs an export of `isotel/otlp`. Default: false.
   */
  readonly inferenceEvents?: boolean;
  /**
   * Sends a log record for each failed model call, gen_ai.client.inference.exception, with the class of the error and,
   * with `recordErrors`, its message and stack. Needs an export of `isotel/otlp`. Default: false.
   */
  readonly exceptionEvents?: boolean;
  /**
   * Where prompts, responses and tool definitions of model calls are recorded. "events" and "both" need
   * `inferenceEvents`; their records take at most 128 KiB for each attribute. Default: "spans".
   */
  readonly contentOn?: ContentPlace;
  /**
   * Prices of a million tokens by the model id of requests, at most 1,000, for costs that no provider reports. They are
   * added to those of `metrics.genAi.prices` and have its currency. Default: none.
   */
  readonly prices?: Readonly<Record<string, TokenPrices>>;
  /** Records the metadata of a call also on the spans of its model calls and tools. Default: false. */
  readonly metadataOnChildren?: boolean;
  /**
   * Makes each operation a separate trace, with a link to the active span of its caller. This applies to spans over
   * OTLP. In the Workers runtime, operations stay in the trace of their caller. Default: false.
   */
  readonly detached?: boolean;
  /** Keys of the runtime context to record on the operation span of every call. Default: none. */
  readonly includeRuntimeContext?: readonly string[];
  /**
   * Returns the replacement for a text before it is recorded. Also called for each text inside messages and tool
   * values. Undefined drops the text. If it throws or returns another value, such as a promise, the text is dropped and
   * counted. `key` is the attribute that the text belongs to.
   */
  readonly redact?: (key: string, value: string, span: SpanInfo) => string | undefined;
  /** Returns attributes to add to a span when it starts. If it throws or returns a promise, none are added. */
  readonly enrich?: (span: SpanInfo) => Attributes | undefined;
}

/** Places for the content of model calls. */
export type ContentPlace = "spans" | "events" | "both";

/** Validated options. */
export interface Settings {
  readonly profile: number;
  readonly storeMessages: boolean;
  readonly storeAgentMessages: boolean;
  readonly storeTools: boolean;
  readonly recordErrors: boolean;
  readonly inferenceEvents: boolean;
  readonly exceptionEvents: boolean;
  readonly contentOn: ContentPlace;
  readonly metadataOnChildren: boolean;
  readonly detached: boolean;
  readonly prices: readonly ModelPrice[];
  readonly contextKeys: readonly string[];
  readonly redact: AITelemetryOptions["redact"];
  readonly enrich: AITelemetryOptions["enrich"];
}

const contentPlaces: readonly ContentPlace[] = ["spans", "events", "both"];

/** The options. The compiler checks that none is missing. */
export const optionNames: OptionNames<AITelemetryOptions> = {
  semconv: true,
  storeMessages: true,
  storeAgentMessages: true,
  storeTools: true,
  recordErrors: true,
  inferenceEvents: true,
  exceptionEvents: true,
  contentOn: true,
  prices: true,
  metadataOnChildren: true,
  detached: true,
  includeRuntimeContext: true,
  redact: true,
  enrich: true,
};

/**
 * Validates options. Throws because the call that passes options runs once, when a program starts.
 *
 * @throws TypeError with the option, its value or type, and the allowed values.
 */
export function readSettings(options: AITelemetryOptions = {}): Settings {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `isotel/ai: the options are ${shapeOf(options)}; they have to be an object such as { storeMessages: true }`,
    );
  }
  const unknown = unknownOption("isotel/ai", options, optionNames);
  if (unknown !== undefined) throw new TypeError(unknown);
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
  const inferenceEvents = flag("inferenceEvents", options.inferenceEvents);
  const { contentOn = "spans" } = options;
  if (!contentPlaces.includes(contentOn)) {
    throw invalid("contentOn", contentOn, '"spans", "events" or "both"');
  }
  if (contentOn !== "spans" && !inferenceEvents) {
    throw invalid("contentOn", contentOn, '"spans", or inferenceEvents has to be true');
  }
  return {
    profile: semconv === "latest" ? Profile.latest : Profile.agents,
    storeMessages: flag("storeMessages", options.storeMessages),
    storeAgentMessages: flag("storeAgentMessages", options.storeAgentMessages),
    storeTools: flag("storeTools", options.storeTools),
    recordErrors: flag("recordErrors", options.recordErrors),
    inferenceEvents,
    exceptionEvents: flag("exceptionEvents", options.exceptionEvents),
    contentOn,
    metadataOnChildren: flag("metadataOnChildren", options.metadataOnChildren),
    detached: flag("detached", options.detached),
    prices: readPrices(options.prices, "prices", (problem) => {
      throw new TypeError(`isotel/ai: ${problem}`);
    }),
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
  return new TypeError(`isotel/ai: ${name} is ${shown}; it has to be ${allowed}`);
}
