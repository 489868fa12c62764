import { record, text } from "../../base/values.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { endingOfAbort } from "../calls/ending.ts";
import { type Params, telemetryOptions } from "../calls/identity.ts";
import { runModelCall } from "../calls/model_call.ts";
import type { AIOperation } from "../calls/operation.ts";
import { recordCallsElsewhere, runToolCall, type ToolRequest } from "../calls/tool_call.ts";

declare global {
  // Both major versions of the SDK keep their registered integrations here.
  var AI_SDK_TELEMETRY_INTEGRATIONS: unknown[] | undefined;
}

/** The event that the SDK passes to an execute hook. */
export interface ExecuteEvent extends Readonly<Record<string, unknown>> {
  execute(): PromiseLike<unknown>;
}

const mark = Symbol.for("isotel.ai.integration");

/** Marks an integration of isotel. The mark survives a spread and is equal in every copy of this library. */
export function markedAsOurs<T extends object>(integration: T): T {
  return Object.assign(integration, { [mark]: true });
}

function isOurs(integration: unknown): boolean {
  return (record(integration) as Record<symbol, unknown> | undefined)?.[mark] === true;
}

/**
 * Returns the integrations that the SDK would call, without those of isotel. Integrations of a call replace the
 * registered ones. Code that adds one to a call has to repeat the registered ones. isotel's are removed so that a
 * traced call is not traced twice.
 */
export function foreignIntegrations(params: Params): unknown[] {
  const all = integrationsOf(params);
  return (Array.isArray(all) ? all : [all]).filter((integration) => !isOurs(integration));
}

/** Returns the parameters of a call without isotel's integrations. For a call that is traced by other means. */
export function withoutOurs(params: Params): Params {
  const all = integrationsOf(params);
  if (!(Array.isArray(all) ? all.some(isOurs) : isOurs(all))) return params;
  const integrations = foreignIntegrations(params);
  // v7 prefers this key to `experimental_telemetry`. v6 reads only the other one, which stays as it is.
  return { ...params, telemetry: { ...telemetryOptions(params), integrations } };
}

function integrationsOf(params: Params): unknown {
  const own = telemetryOptions(params)?.["integrations"];
  return own ?? globalThis.AI_SDK_TELEMETRY_INTEGRATIONS ?? [];
}

/** The SDK's hooks for one operation. The execute hooks run in the context of their caller. */
export class OperationHooks {
  readonly operation: AIOperation;
  readonly #toolEnds: ToolEnds;

  constructor(operation: AIOperation, toolEnds: ToolEnds = new ToolEnds()) {
    this.operation = operation;
    this.#toolEnds = toolEnds;
  }

  /** Runs one attempt at a model call. */
  executeLanguageModelCall(event: ExecuteEvent): PromiseLike<unknown> {
    const model = { modelId: text(event["modelId"]), provider: text(event["provider"]) };
    const method = this.operation.isStream ? "doStream" : "doGenerate";
    const source = this.operation.givenModel(model.modelId);
    return runModelCall(this.operation, { model, method, settings: event, source }, event.execute);
  }

  executeTool(event: ExecuteEvent): PromiseLike<unknown> {
    return this.#toolEnds.run(this.operation, toolRequest(event), event);
  }

  onToolExecutionEnd(event: unknown): void {
    this.#toolEnds.ended(event);
  }

  onStepEnd(event: unknown): void {
    recordCallsElsewhere(this.operation, record(event)?.["content"]);
  }

  onEnd(event: unknown): void {
    const source = record(event);
    // streamObject ends in this way if its answer does not match the schema.
    if (source?.["error"] !== undefined) this.operation.noteFailure(source["error"]);
    recordDecisions(this.operation, source?.["content"]);
    if (this.operation.isStream) this.operation.streamEnded();
    else this.operation.finish(event);
  }

  /** The event has the reason of the abort. The SDK does not pass its signals to hooks. */
  onAbort(event: unknown): void {
    this.operation.stop(endingOfAbort(record(event)?.["reason"]));
  }

  /**
   * If the caller has disabled recording, the SDK passes a generic error. The error of the last model call is more
   * precise.
   */
  onError(event: unknown): void {
    const source = record(event);
    const isHidden = source?.["recordInputs"] === false || source?.["recordOutputs"] === false;
    const known = isHidden ? this.operation.failure : undefined;
    this.operation.fail(known === undefined ? source?.["error"] : known.cause);
  }
}

/** Reads the tool call of an SDK event. */
export function toolRequest(event: Readonly<Record<string, unknown>>): ToolRequest {
  const toolCall = record(event["toolCall"]);
  return {
    toolName: text(toolCall?.["toolName"]) ?? "tool",
    toolCallId: text(event["toolCallId"]) ?? text(toolCall?.["toolCallId"]),
    input: toolCall?.["input"],
    messages: event["messages"],
  };
}

/**
 * Makes the integration of one call. It has only the hooks that are needed, because the SDK copies an event for each
 * hook. The callback for the end of a tool gets the same event without a copy.
 *
 * @param toolEnds Gets the events of that callback.
 * @param onHook Called before each model call and tool that the SDK runs in a hook.
 */
export function callIntegration(
  operation: AIOperation,
  toolEnds: ToolEnds,
  onHook: () => void,
): object {
  const { telemetry } = operation;
  const hooks = new OperationHooks(operation, toolEnds);
  const integration: Record<PropertyKey, unknown> = {
    [mark]: true,
    executeLanguageModelCall(event: ExecuteEvent) {
      onHook();
      return hooks.executeLanguageModelCall(event);
    },
    executeTool(event: ExecuteEvent) {
      onHook();
      return hooks.executeTool(event);
    },
  };
  // A call without a stream ends with its promise, which is observed where the call is made.
  if (operation.isStream) {
    integration["onAbort"] = (event: unknown) => telemetry.guard(() => hooks.onAbort(event));
    integration["onError"] = (event: unknown) => telemetry.guard(() => hooks.onError(event));
  }
  return integration;
}

/**
 * Runs `execute` with observation. If the observer throws before `execute` has begun, the error is counted and
 * `execute` runs without observation. Results and errors of `execute` go to the caller.
 */
export function runObserved<T>(
  telemetry: Telemetry,
  execute: () => T,
  observe: (execute: () => T) => T,
): T {
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    return execute();
  };
  try {
    return observe(begin);
  } catch (cause) {
    if (hasBegun) throw cause;
    telemetry.countSwallowed(cause);
    return execute();
  }
}

/**
 * Records the approvals in the content of a finished call: those that were requested, and those that a policy denied.
 * The SDK has no hook for the time of the decision.
 */
function recordDecisions(operation: AIOperation, content: unknown): void {
  if (!Array.isArray(content)) return;
  const parts = content.map(record).filter((part) => part !== undefined);
  const requests = parts.filter((part) => part["type"] === "tool-approval-request");
  if (requests.length === 0) return;
  const refusals = parts.filter((part) => {
    return part["type"] === "tool-approval-response" && part["approved"] === false;
  });
  const refused = new Set(refusals.map((part) => part["approvalId"]));
  operation.activate(() => {
    for (const { approvalId, isAutomatic, ...part } of requests) {
      const toolCall = record(part["toolCall"]);
      // The response of the model has already recorded it.
      if (toolCall?.["providerExecuted"] === true) continue;
      const request = {
        toolName: text(toolCall?.["toolName"]) ?? "tool",
        toolCallId: text(toolCall?.["toolCallId"]),
      };
      if (refused.has(approvalId)) operation.approvals.recordDecision(request, "denied");
      else if (isAutomatic !== true) operation.approvals.recordDecision(request, "requested");
    }
  });
}

interface Waiting {
  readonly toolCallId: string | undefined;
  readonly end: (result: unknown) => void;
}

/**
 * Keeps tool spans open until the SDK reports the result of the tool. The hook around the tool does not return the
 * result.
 */
export class ToolEnds {
  // In the order in which the tools settled. The SDK reports their ends in this order. Ids may repeat.
  readonly #waiting = new Set<Waiting>();

  /** Runs a tool. The SDK gets the promise of `event.execute`. */
  run(operation: AIOperation, request: ToolRequest, event: ExecuteEvent): PromiseLike<unknown> {
    let returned: PromiseLike<unknown> | undefined;
    let result: unknown;
    const observed = runToolCall(operation, { ...request, result: () => result }, () => {
      returned = event.execute();
      return returned
        .then(() => this.#end(request))
        .then((value) => {
          result = value;
        });
    });
    observed.then(undefined, ignore);
    return returned ?? observed;
  }

  /** Handles the end of a tool. */
  ended(event: unknown): void {
    const source = record(event);
    const toolCallId = text(record(source?.["toolCall"])?.["toolCallId"]);
    for (const waiting of this.#waiting) {
      if (waiting.toolCallId !== toolCallId) continue;
      this.#waiting.delete(waiting);
      waiting.end(record(source?.["toolOutput"])?.["output"]);
      return;
    }
  }

  #end({ toolCallId }: ToolRequest): Promise<unknown> {
    return new Promise((end) => {
      this.#waiting.add({ toolCallId, end });
    });
  }
}

// The caller receives the promise of the tool.
function ignore(): void {}
