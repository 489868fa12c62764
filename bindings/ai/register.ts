import type { Telemetry } from "../trace/telemetry.ts";
import { startSpan } from "../trace/tracer.ts";
import { type ExecuteEvent, markedAsOurs, OperationHooks, runObserved } from "./integration.ts";
import { openCalls, type TracedCall } from "./integration_calls.ts";
import { announcedOperation, type SdkEvent } from "./integration_events.ts";
import type { AIOperation } from "./operation.ts";
import { type AITelemetryOptions, readSettings, type Settings } from "./options.ts";
import { record, text } from "./read.ts";

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
  onEnd(event: object): void;
  onAbort(event: object): void;
  onError(event: unknown): void;
}

type Hook = "onToolExecutionEnd" | "onEnd" | "onAbort" | "onError";

/** An operation known by its events. */
class RegisteredOperation extends OperationHooks implements TracedCall {
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
  // A copy of the integration made by a spread has the same calls.
  const owner = {};
  const find = (event: unknown): RegisteredOperation | undefined => {
    const call = openCalls.get(record(event)?.["callId"], owner);
    return call instanceof RegisteredOperation ? call : undefined;
  };
  const tell = (hook: Hook) => (event: unknown) => {
    telemetry.guard(() => find(event)?.[hook](event));
  };
  const run = (hook: "executeLanguageModelCall" | "executeTool") => (event: ExecuteEvent) => {
    const call = telemetry.guard(() => find(event));
    if (call === undefined) return event.execute();
    return runObserved(telemetry, event.execute, (execute) =>
      call.operation.activate(() => call[hook]({ ...event, execute })),
    );
  };
  return markedAsOurs({
    onStart: (event: object) => {
      telemetry.guard(() => start(telemetry, settings, owner, event as SdkEvent));
    },
    executeLanguageModelCall: run("executeLanguageModelCall") as never,
    executeTool: run("executeTool") as never,
    onToolExecutionEnd: tell("onToolExecutionEnd"),
    onEnd: tell("onEnd"),
    onAbort: tell("onAbort"),
    onError: tell("onError"),
  });
}

function start(telemetry: Telemetry, settings: Settings, owner: object, event: SdkEvent): void {
  // ai@6 shares the list of integrations and tells of calls without an id.
  const callId = text(event["callId"]);
  if (callId === undefined) return;
  openCalls.add(telemetry, callId, owner, (onClose) => {
    const operation = startOperation(telemetry, settings, event);
    if (operation === undefined) return undefined;
    operation.onClose = onClose;
    return new RegisteredOperation(operation);
  });
}

function startOperation(
  telemetry: Telemetry,
  settings: Settings,
  event: SdkEvent,
): AIOperation | undefined {
  const announced = announcedOperation(telemetry, settings, event);
  if (announced === undefined) return undefined;
  const span = startSpan(telemetry, announced.name, announced.options);
  return span && announced.begin(span);
}
