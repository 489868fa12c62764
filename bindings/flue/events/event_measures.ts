import { type FlueEvent, readPath } from "./event.ts";

/** What a turn of the model used. Counts that the event does not tell are undefined. */
export interface TurnUsage {
  readonly responseModel: string | undefined;
  /** Cached tokens included. */
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number | undefined;
}

// Version 3 has in `request` and `response` what version 1 has in the event itself.

/** The provider and the model a turn asks for. */
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
 * The tool a model calls; undefined for the framework's own that delegates, which the task stands for, and for the shell of
 * the program. Version 1 does not tell whose call it is: the program's is in no turn.
 */
export function toolOf(event: FlueEvent): string | undefined {
  const name = textAt(event, ["toolName"]);
  const origin = textAt(event, ["origin"]);
  const isTurn = textAt(event, ["turnId"]) !== undefined;
  const caller = origin ?? (name === "task" ? "framework" : isTurn ? "model" : "caller");
  if (name === "task" && caller === "framework") return undefined;
  return name === "bash" && caller === "caller" ? undefined : name;
}

/** The agent a task is delegated to, or that works. */
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

/** error.type of an event that failed; `AbortError` for what was cancelled. */
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
