import type { Telemetry } from "../trace/telemetry.ts";
import type { Params } from "./identity.ts";
import { telemetryOptions } from "./identity.ts";
import { runModelCall } from "./model_call.ts";
import type { AIOperation } from "./operation.ts";
import { record, text } from "./read.ts";
import { runToolCall } from "./tool_call.ts";

declare global {
  // The SDK keeps its registered integrations here, both majors of it.
  var AI_SDK_TELEMETRY_INTEGRATIONS: unknown[] | undefined;
}

/** What the SDK hands to an execute hook. */
export interface ExecuteEvent extends Readonly<Record<string, unknown>> {
  execute(): PromiseLike<unknown>;
}

const mark = Symbol.for("isotel.ai.integration");

/** Marks an integration of ours. The mark survives a spread, and is the same in every copy of this library. */
export function markedAsOurs<T extends object>(integration: T): T {
  return Object.assign(integration, { [mark]: true });
}

function isOurs(integration: unknown): boolean {
  return (record(integration) as Record<symbol, unknown> | undefined)?.[mark] === true;
}

/**
 * The integrations the SDK would tell of a call, without ours: per-call integrations replace the registered ones, so
 * whoever adds one has to carry those over, and a call that is already traced must not be traced by an adapter too.
 */
export function foreignIntegrations(params: Params): unknown[] {
  const own = telemetryOptions(params)?.["integrations"];
  const all = own ?? globalThis.AI_SDK_TELEMETRY_INTEGRATIONS ?? [];
  return (Array.isArray(all) ? all : [all]).filter((integration) => !isOurs(integration));
}

/** The parameters of a v7 call that no adapter of ours is told of: the call is traced by other means. */
export function withoutOurs(params: Params): Params {
  const options = telemetryOptions(params);
  const all = options?.["integrations"] ?? globalThis.AI_SDK_TELEMETRY_INTEGRATIONS;
  if (!(Array.isArray(all) ? all.some(isOurs) : isOurs(all))) return params;
  return withTelemetry(params, { ...options, integrations: foreignIntegrations(params) });
}

/** The parameters of a v7 call with other telemetry options. */
export function withTelemetry(params: Params, telemetry: object): Params {
  const { experimental_telemetry: _, ...rest } = params;
  return { ...rest, telemetry };
}

/**
 * The integration of one call. Only the hooks that are needed: the SDK prepares an event for each one that is there.
 */
export function callIntegration(operation: AIOperation): object {
  const { telemetry } = operation;
  return markedAsOurs({
    executeLanguageModelCall: (event: ExecuteEvent) => runModelEvent(operation, event),
    executeTool: (event: ExecuteEvent) => runToolEvent(operation, event),
    onAbort: () => telemetry.guard(() => operation.cancel()),
    onError: (event: unknown) => telemetry.guard(() => failWithEvent(operation, event)),
  });
}

/** Runs an attempt at a model call inside its span. */
export function runModelEvent(operation: AIOperation, event: ExecuteEvent): PromiseLike<unknown> {
  const { telemetry, isStream } = operation;
  return runObserved(telemetry, event.execute, (execute) => {
    const model = { modelId: text(event["modelId"]), provider: text(event["provider"]) };
    const method = isStream ? "doStream" : "doGenerate";
    return runModelCall(operation, { model, method, settings: event }, execute);
  });
}

/** Runs a tool inside its span. */
export function runToolEvent(operation: AIOperation, event: ExecuteEvent): PromiseLike<unknown> {
  return runObserved(operation.telemetry, event.execute, (execute) =>
    runToolCall(operation, toolRequest(event), execute),
  );
}

/** Which tool an event of the SDK is about. */
export function toolRequest(event: Readonly<Record<string, unknown>>): {
  readonly toolName: string;
  readonly toolCallId: string | undefined;
} {
  const toolCall = record(event["toolCall"]);
  return {
    toolName: text(toolCall?.["toolName"]) ?? "tool",
    toolCallId: text(event["toolCallId"]) ?? text(toolCall?.["toolCallId"]),
  };
}

/**
 * Ends an operation with the error of an event. Where the caller has switched recording off the SDK hands over an
 * error of its own instead, so what the last model call failed with says more.
 */
export function failWithEvent(operation: AIOperation, event: unknown): void {
  const source = record(event);
  const isHidden = source?.["recordInputs"] === false || source?.["recordOutputs"] === false;
  const known = isHidden ? operation.failure : undefined;
  operation.fail(known === undefined ? source?.["error"] : known.cause);
}

/**
 * Runs `execute` observed. An error of the observer's own, before `execute` began, is swallowed and `execute` runs
 * alone; whatever comes of `execute` is the caller's.
 */
export function runObserved<T>(
  telemetry: Telemetry,
  execute: () => T,
  observe: (execute: () => T) => T,
): T {
  let hasBegun = false;
  try {
    return observe(() => {
      hasBegun = true;
      return execute();
    });
  } catch (cause) {
    if (hasBegun) throw cause;
    telemetry.countSwallowed();
    return execute();
  }
}
