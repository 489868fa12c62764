import { type FlueEvent, readPath } from "./event.ts";

/** The token usage of a model turn. Counts that the event does not report are undefined. */
export interface TurnUsage {
  readonly responseModel: string | undefined;
  /** Includes cached tokens. */
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number | undefined;
}

// Version 3 has these values in `request` and `response`. Version 1 has them in the event.

/** Returns the provider and the requested model of a turn. */
export function modelOf(event: FlueEvent): {
  provider: string | undefined;
  model: string | undefined;
} {
  return {
    provider: textAt(event, ["request", "providerName"]) ?? textAt(event, ["provider"]),
    model: textAt(event, ["request", "requestedModel"]) ?? textAt(event, ["model"]),
  };
}

/**
 * Returns the name of a tool that the model calls. Undefined for the framework's tool that delegates, because the task
 * represents it, and for shell calls of the program. Version 1 does not report the caller, but a call of the program
 * belongs to no turn.
 */
export function toolOf(event: FlueEvent): string | undefined {
  const name = textAt(event, ["toolName"]);
  const origin = textAt(event, ["origin"]);
  const isTurn = textAt(event, ["turnId"]) !== undefined;
  const caller = origin ?? (name === "task" ? "framework" : isTurn ? "model" : "caller");
  if (name === "task" && caller === "framework") return undefined;
  return name === "bash" && caller === "caller" ? undefined : name;
}

/** Returns the agent that a task is delegated to, or the agent that works. */
export function agentOf(event: FlueEvent): string | undefined {
  return textAt(event, ["agent"]) ?? textAt(event, ["agentName"]);
}

export function usageOf(event: FlueEvent): TurnUsage {
  const usage = readPath(event, ["response", "usage"]) ?? readPath(event, ["usage"]);
  const [input, output, cacheRead, cacheWrite] = ["input", "output", "cacheRead", "cacheWrite"].map(
    (name) => countAt(usage, name),
  );
  return {
    responseModel: textAt(event, ["response", "responseModel"]) ?? textAt(event, ["model"]),
    input: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    output,
    cacheRead,
    cacheWrite,
  };
}

/** Returns the error.type of a failed event. `AbortError` if it was cancelled. */
export function causeOf(event: FlueEvent): string | undefined {
  if (readPath(event, ["isError"]) !== true) return undefined;
  const reason = textAt(event, ["response", "finishReason"]) ?? textAt(event, ["stopReason"]);
  if (reason === "aborted") return "AbortError";
  return (
    textAt(event, ["errorInfo", "type"]) ??
    textAt(event, ["response", "error", "type"]) ??
    textAt(event, ["error", "name"]) ??
    "_OTHER"
  );
}

function textAt(event: FlueEvent, path: readonly string[]): string | undefined {
  const value = readPath(event, path);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function countAt(usage: unknown, name: string): number | undefined {
  const value = readPath(usage, [name]);
  return typeof value === "number" && value >= 0 ? value : undefined;
}
