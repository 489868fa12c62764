/**
 * The common fields of all events of Flue's `observe()`. Other fields depend on type and version. They are read by the
 * paths of src/flue/fields.def, and may be missing or of another type.
 */
export interface FlueEvent {
  /** Version of the format: 1, or 3 for current packages. */
  readonly v?: number | undefined;
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp?: string | undefined;
}

/** The context that Flue passes with an event. `resolveRootContext` may use it. */
export interface FlueContext {
  readonly id?: string | undefined;
  readonly runId?: string | undefined;
  readonly payload?: unknown;
  readonly env?: unknown;
  /** The request that started the processing. Synthetic for durable processing. */
  readonly req?: Request | undefined;
  readonly log?: unknown;
}

/** Returns the value at the end of a path of property names. Undefined if a step is missing. */
export function readPath(from: unknown, path: readonly string[]): unknown {
  let value = from;
  for (const name of path) {
    if (value === null || typeof value !== "object") return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** Returns the string at a property. Empty for any other value. */
export function readText(from: unknown, name: string): string {
  const value = (from as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : "";
}

// Readers for the types in src/flue/fields.def that belong to one attribute each. messages.ts has the readers for
// content.

/** The value of an attribute of Flue's spans. */
export type FlueAttributeValue = string | number | boolean | readonly string[];

/** Returns an attribute for the value at a field's path. Undefined for no attribute. */
export type ValueReader = (value: unknown) => FlueAttributeValue | undefined;

/** Returns a string unchanged, any other value as JSON. Undefined if it has no JSON form. */
export function contentText(value: unknown): string | undefined {
  if (typeof value === "string" || value === undefined) return value;
  try {
    return JSON.stringify(value);
  } catch {
    // The value has a cycle, a bigint or a `toJSON` that throws.
    return undefined;
  }
}

/** Finish reasons that have another name in the GenAI conventions. */
const finishReasons: Readonly<Record<string, string>> = { toolUse: "tool_call", aborted: "error" };

/** Returns the GenAI conventions' name of a finish reason. Undefined if there is none. */
export function finishReason(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  return Object.hasOwn(finishReasons, value) ? finishReasons[value] : value;
}

const openAiApis: Readonly<Record<string, string>> = {
  "openai-completions": "chat_completions",
  "openai-responses": "responses",
  "azure-openai-responses": "responses",
};

export const valueReaders: Readonly<Record<string, ValueReader>> = {
  flag: (value) => (value === true ? true : undefined),

  finishReason: (value) => {
    const reason = finishReason(value);
    return reason === undefined ? undefined : [reason];
  },

  openAiApi: (request) => {
    const api = readPath(request, ["api"]);
    if (readPath(request, ["providerName"]) !== "openai" || typeof api !== "string") return;
    return Object.hasOwn(openAiApis, api) ? openAiApis[api] : undefined;
  },

  // Input includes the tokens that the model read from its cache and wrote to it.
  inputTokens: (usage) => {
    let sum: number | undefined;
    for (const part of ["input", "cacheRead", "cacheWrite"]) {
      const count = readPath(usage, [part]);
      if (typeof count === "number") sum = (sum ?? 0) + count;
    }
    return sum;
  },

  errorType: (event) => {
    if (readPath(event, ["isError"]) !== true) return;
    for (const path of [
      ["errorInfo", "type"],
      ["response", "error", "type"],
    ]) {
      const type = readPath(event, path);
      if (typeof type === "string") return type;
    }
    return "_OTHER";
  },
};
