import { record, text } from "../../base/values.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { type Params, telemetryOptions } from "../calls/identity.ts";
import { runModelCall } from "../calls/model_call.ts";
import type { AIOperation } from "../calls/operation.ts";
import { recordRejectedCalls, runToolCall, type ToolRequest } from "../calls/tool_call.ts";

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
 * whoever adds one carries those over, and a call that is traced already must not be traced by an adapter too.
 */
export function foreignIntegrations(params: Params): unknown[] {
  const all = integrationsOf(params);
  return (Array.isArray(all) ? all : [all]).filter((integration) => !isOurs(integration));
}

/** The parameters of a v7 call that no adapter of ours is told of, because it is traced by other means. */
export function withoutOurs(params: Params): Params {
  const all = integrationsOf(params);
  if (!(Array.isArray(all) ? all.some(isOurs) : isOurs(all))) return params;
  const { experimental_telemetry: _, ...rest } = params;
  const integrations = foreignIntegrations(params);
  return { ...rest, telemetry: { ...telemetryOptions(params), integrations } };
}

function integrationsOf(params: Params): unknown {
  const own = telemetryOptions(params)?.["integrations"];
  return own ?? globalThis.AI_SDK_TELEMETRY_INTEGRATIONS ?? [];
}

/** The SDK's hooks of one operation. The execute hooks run in whatever context calls them. */
export class OperationHooks {
  readonly operation: AIOperation;
  readonly #toolEnds: ToolEnds | undefined;

  constructor(operation: AIOperation) {
    this.operation = operation;
    // The hook around a tool does not return what the tool did.
    if (operation.content.toolResults) this.#toolEnds = new ToolEnds();
  }

  /** Runs one attempt at a model call. */
  executeLanguageModelCall(event: ExecuteEvent): PromiseLike<unknown> {
    const model = { modelId: text(event["modelId"]), provider: text(event["provider"]) };
    const method = this.operation.isStream ? "doStream" : "doGenerate";
    const source = this.operation.givenModel(model.modelId);
    return runModelCall(this.operation, { model, method, settings: event, source }, event.execute);
  }

  executeTool(event: ExecuteEvent): PromiseLike<unknown> {
    const request = toolRequest(event);
    if (this.#toolEnds === undefined) return runToolCall(this.operation, request, event.execute);
    return this.#toolEnds.run(this.operation, request, event);
  }

  onToolExecutionEnd(event: unknown): void {
    this.#toolEnds?.ended(event);
  }

  onStepEnd(event: unknown): void {
    recordRejectedCalls(this.operation, record(event)?.["content"]);
  }

  onEnd(event: unknown): void {
    recordDecisions(this.operation, record(event)?.["content"]);
    if (this.operation.isStream) this.operation.streamEnded();
    else this.operation.finish(event);
  }

  onAbort(): void {
    this.operation.cancel();
  }

  /**
   * Where the caller has switched recording off, the SDK hands over an error of its own: what the last model call
   * failed with says more.
   */
  onError(event: unknown): void {
    const source = record(event);
    const isHidden = source?.["recordInputs"] === false || source?.["recordOutputs"] === false;
    const known = isHidden ? this.operation.failure : undefined;
    this.operation.fail(known === undefined ? source?.["error"] : known.cause);
  }
}

/** Which tool an event of the SDK is about. */
export function toolRequest(event: Readonly<Record<string, unknown>>): ToolRequest {
  const toolCall = record(event["toolCall"]);
  return {
    toolName: text(toolCall?.["toolName"]) ?? "tool",
    toolCallId: text(event["toolCallId"]) ?? text(toolCall?.["toolCallId"]),
    input: toolCall?.["input"],
    messages: event["messages"],
  };
}

/** The integration of one call. Only the hooks that are needed: the SDK prepares an event for each that is there. */
export function callIntegration(operation: AIOperation): object {
  const { telemetry, content } = operation;
  const hooks = new OperationHooks(operation);
  const integration: Record<PropertyKey, unknown> = {
    [mark]: true,
    executeLanguageModelCall: (event: ExecuteEvent) => hooks.executeLanguageModelCall(event),
    executeTool: (event: ExecuteEvent) => hooks.executeTool(event),
  };
  // What settles a promise is seen there.
  if (operation.isStream) {
    integration["onAbort"] = () => telemetry.guard(() => hooks.onAbort());
    integration["onError"] = (event: unknown) => telemetry.guard(() => hooks.onError(event));
  }
  if (content.toolResults) {
    integration["onToolExecutionEnd"] = (event: unknown) =>
      telemetry.guard(() => hooks.onToolExecutionEnd(event));
  }
  return integration;
}

/**
 * Runs `execute` observed. An error of the observer's own, before `execute` has begun, is swallowed and `execute` runs
 * alone; whatever comes of `execute` is the caller's.
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
 * Records the approvals that the content of a finished call tells of: those that were asked for, and those that a
 * policy refused. The hooks of the SDK do not tell when that is decided.
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
      // The answer of the model has told of it.
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

/** Keeps tool spans open until the SDK tells of the tool's result, which its hook around the tool does not return. */
class ToolEnds {
  // In the order in which the tools settled, which is the order in which the SDK tells of them: ids may repeat.
  readonly #waiting = new Set<Waiting>();

  /** Runs a tool; the SDK gets what `event.execute` gives, when it gives it. */
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

  /** A tool has ended. */
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

// The caller gets the tool's own promise.
function ignore(): void {}
