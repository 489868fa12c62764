import { record } from "../../base/values.ts";
import type { Span, SpanOptions } from "../../trace/span.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { agentName, type Params } from "../calls/identity.ts";
import { AIOperation, operationSpan, type SdkFunction } from "../calls/operation.ts";
import type { Settings } from "../options.ts";

/** An event of the SDK. */
export type SdkEvent = Readonly<Record<string, unknown>>;

/** The functions whose calls are operations, by the `operationId` of their start event. */
const operations: Readonly<Record<string, SdkFunction>> = {
  "ai.generateText": { name: "generateText", isStream: false, outputType: "text" },
  "ai.streamText": { name: "streamText", isStream: true, outputType: "text" },
  "ai.generateObject": { name: "generateObject", isStream: false, outputType: "json" },
  "ai.streamObject": { name: "streamObject", isStream: true, outputType: "json" },
};

/** An operation an event tells of, before its span is opened. */
export interface AnnouncedOperation {
  readonly name: string;
  readonly options: SpanOptions;
  /** Begins the operation on its span; undefined, with the span ended, when that fails. */
  begin(span: Span): AIOperation | undefined;
}

/** Reads the start event of a call; undefined for one that is no operation. */
export function announcedOperation(
  telemetry: Telemetry,
  settings: Settings,
  event: SdkEvent,
): AnnouncedOperation | undefined {
  const operationId = event["operationId"];
  if (typeof operationId !== "string" || !Object.hasOwn(operations, operationId)) return undefined;
  const sdkFunction = operations[operationId] as SdkFunction;
  const params = paramsOf(event);
  const { name, options } = operationSpan(telemetry, settings, {
    agentName: agentName(params),
    isBounded: false,
  });
  return {
    name,
    options,
    begin(span) {
      const operation = telemetry.guard(() =>
        span.activate(() => new AIOperation(telemetry, span, sdkFunction, params, settings)),
      );
      if (operation === undefined) span.finish();
      // Events do not tell whether anyone reads the stream; a response that is being sent may be what does.
      else span.isAbandoned = () => operation.isStream && span.scope?.sendsBody !== true;
      return operation;
    },
  };
}

/** The parameters of the call, as far as its start event repeats them. */
export function paramsOf(event: SdkEvent): Params {
  const { recordInputs, recordOutputs, functionId, provider, modelId } = event;
  // The SDK has left out of the runtime context what the caller did not include.
  const includeRuntimeContext = Object.keys(record(event["runtimeContext"]) ?? {});
  return {
    ...event,
    model: { provider, modelId },
    telemetry: { recordInputs, recordOutputs, functionId, includeRuntimeContext },
  };
}
