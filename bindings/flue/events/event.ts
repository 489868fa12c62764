/**
 * An event of Flue's `observe()`, as far as every one of them is alike. What else it has depends on its type and on the
 * version; it is read by the paths of src/flue/fields.def and may be missing or of another kind.
 */
export interface FlueEvent {
  /** The version of the format: 1, or 3 for today's packages. */
  readonly v?: number | undefined;
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp?: string | undefined;
}

/** The context Flue hands out with an event, as far as a root's context may be found by it. */
export interface FlueContext {
  readonly id?: string | undefined;
  readonly runId?: string | undefined;
  readonly payload?: unknown;
  readonly env?: unknown;
  /** Of processing that began with a request; of durable processing it is made up. */
  readonly req?: Request | undefined;
  readonly log?: unknown;
}

/** The value at the end of a path of property names; undefined where a step is missing. */
export function readPath(from: unknown, path: readonly string[]): unknown {
  let value = from;
  for (const name of path) {
    if (value === null || typeof value !== "object") return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** The string at a property; empty for anything else. */
export function readText(from: unknown, name: string): string {
  const value = (from as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : "";
}

// The types of src/flue/fields.def that belong to one attribute each, and are not content.

/** What an attribute of Flue's spans can be. */
export type FlueAttributeValue = string | number | boolean | readonly string[];

/** An attribute out of what stands at a field's path; undefined for none. */
export type ValueReader = (value: unknown) => FlueAttributeValue | undefined;

/** A string as it is, anything else as JSON; undefined for what has none. */
export function contentText(value: unknown): string | undefined {
  if (typeof value === "string" || value === undefined) return value;
  try {
    return JSON.stringify(value);
  } catch {
    // A cycle, a bigint or a toJSON that throws: what cannot be told is left out.
    return undefined;
  }
}

/** The reasons the conventions for generative AI have other words for. */
const finishReasons: Readonly<Record<string, string>> = { toolUse: "tool_call", aborted: "error" };

/** A reason in the words of the conventions for generative AI; undefined for none. */
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

  // What the model read of its cache and wrote there is input too.
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
