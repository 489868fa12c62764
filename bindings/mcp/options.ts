import { type OptionNames, unknownOption } from "../base/options.ts";
import { isList, shapeOf } from "../base/values.ts";

/** Options of `traceMCPClient` and `traceMCPServer`. */
export interface MCPTelemetryOptions {
  /**
   * Records arguments and results of tools, gen_ai.tool.call.arguments and gen_ai.tool.call.result, at most 28 KiB
   * each. Default: false.
   */
  readonly storeTools?: boolean;
  /** Records the arguments of prompts, gen_ai.prompt.variable.NAME. Default: false. */
  readonly storePrompts?: boolean;
  /**
   * Records the messages of errors (exception.message), at most 1 KiB each. Masks keys and the secrets in addresses.
   * Default: false.
   */
  readonly recordErrors?: boolean;
  /**
   * Opens a client span for a call of a tool even inside the execute_tool span of that tool. By default the
   * execute_tool span gets the attributes of the call instead, as the conventions recommend. Default: false.
   */
  readonly separateToolSpans?: boolean;
  /**
   * What the trace context in `params._meta` of a received message does: "continue" makes its span the parent, and links
   * to the active span if that is in another trace. "link" keeps the active span as the parent and adds a link.
   * Use "link" or "ignore" for clients that you do not trust. Spans over OTLP only. Default: "continue".
   */
  readonly incomingContext?: "continue" | "link" | "ignore";
  /**
   * Returns the replacement for a text before it is recorded, also for each text inside arguments and results of tools.
   * Undefined drops the text. `key` is the attribute that the text belongs to.
   */
  readonly redact?: (key: string, value: string) => string | undefined;
}

/** Validated options. */
export interface MCPSettings extends Required<Omit<MCPTelemetryOptions, "redact">> {
  readonly redact: MCPTelemetryOptions["redact"] | undefined;
}

const optionNames: OptionNames<MCPTelemetryOptions> = {
  storeTools: true,
  storePrompts: true,
  recordErrors: true,
  separateToolSpans: true,
  incomingContext: true,
  redact: true,
};

const flags = ["storeTools", "storePrompts", "recordErrors", "separateToolSpans"] as const;

/** @throws TypeError with the option, the shape of its value, and the allowed values. */
export function readSettings(options: MCPTelemetryOptions = {}): MCPSettings {
  if (typeof options !== "object" || options === null || isList(options)) {
    throw new TypeError(
      `isotel/mcp: the options are ${shapeOf(options)}; they have to be an object such as { storeTools: true }`,
    );
  }
  const unknown = unknownOption("isotel/mcp", options, optionNames);
  if (unknown !== undefined) throw new TypeError(unknown);
  const { incomingContext = "continue", redact } = options;
  if (!["continue", "link", "ignore"].includes(incomingContext)) {
    throw invalid("incomingContext", incomingContext, '"continue", "link" or "ignore"');
  }
  if (redact !== undefined && typeof redact !== "function") {
    throw invalid("redact", redact, "a function");
  }
  for (const name of flags) {
    const value = options[name];
    if (value !== undefined && typeof value !== "boolean") {
      throw invalid(name, value, "true or false");
    }
  }
  const { storeTools = false, storePrompts = false } = options;
  const { recordErrors = false, separateToolSpans = false } = options;
  return { storeTools, storePrompts, recordErrors, separateToolSpans, incomingContext, redact };
}

function invalid(name: string, value: unknown, allowed: string): TypeError {
  return new TypeError(`isotel/mcp: ${name} is ${shapeOf(value)}; it has to be ${allowed}`);
}
