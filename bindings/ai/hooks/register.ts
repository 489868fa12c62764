import { record, text } from "../../base/values.ts";
import { isRecorded, type Telemetry } from "../../trace/telemetry.ts";
import { runDetached, startSpan } from "../../trace/tracer.ts";
import { runModelCall } from "../calls/model_call.ts";
import type { AIOperation } from "../calls/operation.ts";
import { modelInfo } from "../calls/request.ts";
import { type AITelemetryOptions, readSettings, type Settings } from "../options.ts";
import { type ExecuteEvent, markedAsOurs, OperationHooks, runObserved } from "./integration.ts";
import { AwaitedResult, openCalls, type TracedCall } from "./integration_calls.ts";
import { announcedOperation, type SdkEvent } from "./integration_events.ts";
import { HookedModelCalls, modelFunctionOf } from "./integration_models.ts";

/** An integration for `registerTelemetry` of ai@7. */
export interface AISDKTelemetry {
  onStart(event: object): void;
  executeLanguageModelCall<T>(event: {
    readonly callId: string;
    readonly execute: () => PromiseLike<T>;
  }): PromiseLike<T>;
  executeTool<T>(event: {
    readonly callId: string;
    readonly execute: () => PromiseLike<T>;
  }): PromiseLike<T>;
  onToolExecutionEnd(event: object): void;
  onStepEnd(event: object): void;
  onObjectStepStart(event: object): void;
  onObjectStepEnd(event: object): void;
  onEmbedStart(event: object): void;
  onEmbedEnd(event: object): void;
  onRerankStart(event: object): void;
  onRerankEnd(event: object): void;
  experimental_onDecideStart(event: object): void;
  experimental_onDecideEnd(event: object): void;
  onEnd(event: object): void;
  onAbort(event: object): void;
  onError(event: unknown): void;
}

/** An operation that is observed through events. */
class RegisteredOperation extends OperationHooks implements TracedCall {
  readonly #settings: SdkEvent | undefined;
  #step: AwaitedResult | undefined;

  constructor(operation: AIOperation, start: SdkEvent) {
    super(operation);
    const { operationId } = start;
    if (operationId === "ai.generateObject" || operationId === "ai.streamObject") {
      this.#settings = start;
    }
  }

  /**
   * Records the model call of generateObject and streamObject. The SDK announces it but offers no hook to run it inside
   * a span.
   */
  onObjectStepStart(event: SdkEvent): void {
    const { operation } = this;
    const step = new AwaitedResult();
    this.#step = step;
    const settings = { ...this.#settings, prompt: event["promptMessages"], messages: undefined };
    const method = operation.isStream ? "doStream" : "doGenerate";
    const request = { model: modelInfo(event), method, settings } as const;
    operation.activate(() => runModelCall(operation, request, () => step));
  }

  onObjectStepEnd(event: SdkEvent): void {
    const { finishReason, usage, response, providerMetadata, objectText } = event;
    const content = [{ type: "text", text: objectText }];
    this.#step?.fulfil({ finishReason, usage, response, providerMetadata, content });
  }

  override onError(event: unknown): void {
    this.#step?.reject(record(event)?.["error"]);
    super.onError(event);
  }

  truncate(): void {
    this.operation.truncate();
  }
}

/** Makes the integration; see `createAISDKTelemetry`. */
export function createIntegration(
  telemetry: Telemetry,
  options: AITelemetryOptions | undefined,
): AISDKTelemetry {
  const settings = readSettings(options);
  telemetry.addPrices(settings.prices);
  // Owns the calls. A copy of the integration by spread shares it.
  const owner = {};
  const find = (event: unknown) => openCalls.get(record(event)?.["callId"], owner);
  const operationOf = (event: unknown) => {
    const call = find(event);
    return call instanceof RegisteredOperation ? call : undefined;
  };
  const modelCallsOf = (event: unknown) => {
    const call = find(event);
    return call instanceof HookedModelCalls ? call : undefined;
  };
  const guarded = (hook: (event: SdkEvent) => void) => (event: unknown) => {
    telemetry.guard(() => hook(event as SdkEvent));
  };
  const forward = (hook: "onEnd" | "onAbort" | "onError") =>
    guarded((event) => (operationOf(event) ?? modelCallsOf(event))?.[hook](event));
  const forwardToOperation = (
    hook: "onToolExecutionEnd" | "onStepEnd" | "onObjectStepStart" | "onObjectStepEnd",
  ) => guarded((event) => operationOf(event)?.[hook](event));
  const forwardToModelCalls = (hook: "attemptStarted" | "attemptEnded") =>
    guarded((event) => modelCallsOf(event)?.[hook](event));
  const run = (hook: "executeLanguageModelCall" | "executeTool") => (event: ExecuteEvent) => {
    const call = telemetry.guard(() => operationOf(event));
    if (call === undefined) return event.execute();
    return runObserved(telemetry, event.execute, (execute) =>
      call.operation.activate(() => call[hook]({ ...event, execute })),
    );
  };
  const onStart = guarded((event) => start(telemetry, settings, owner, event));
  return markedAsOurs({
    onStart,
    executeLanguageModelCall: run("executeLanguageModelCall") as never,
    executeTool: run("executeTool") as never,
    onToolExecutionEnd: forwardToOperation("onToolExecutionEnd"),
    onStepEnd: forwardToOperation("onStepEnd"),
    onObjectStepStart: forwardToOperation("onObjectStepStart"),
    onObjectStepEnd: forwardToOperation("onObjectStepEnd"),
    onEmbedStart: forwardToModelCalls("attemptStarted"),
    onEmbedEnd: forwardToModelCalls("attemptEnded"),
    onRerankStart: forwardToModelCalls("attemptStarted"),
    onRerankEnd: forwardToModelCalls("attemptEnded"),
    experimental_onDecideStart: onStart,
    experimental_onDecideEnd: forward("onEnd"),
    onEnd: forward("onEnd"),
    onAbort: forward("onAbort"),
    onError: forward("onError"),
  });
}

function start(telemetry: Telemetry, settings: Settings, owner: object, event: SdkEvent): void {
  // ai@6 shares the list of integrations. Its events have no call id.
  const callId = text(event["callId"]);
  if (callId === undefined) return;
  const modelFunction = modelFunctionOf(event);
  openCalls.add(telemetry, callId, owner, (onClose) => {
    if (modelFunction === undefined) return startOperation(telemetry, settings, event, onClose);
    if (!isRecorded(telemetry)) return undefined;
    return new HookedModelCalls(telemetry, settings, modelFunction, event, onClose);
  });
}

function startOperation(
  telemetry: Telemetry,
  settings: Settings,
  event: SdkEvent,
  onClose: () => void,
): RegisteredOperation | undefined {
  const announced = announcedOperation(telemetry, settings, event);
  if (announced === undefined) return undefined;
  const open = () => startSpan(telemetry, announced.name, announced.options);
  const span = settings.detached ? runDetached(telemetry, open) : open();
  const operation = span && announced.begin(span);
  // A hook may have aborted the call when its span started.
  if (operation === undefined || operation.isClosed) return undefined;
  operation.onClose = onClose;
  return new RegisteredOperation(operation, event);
}
