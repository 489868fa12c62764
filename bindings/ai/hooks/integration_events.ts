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

/** An operation that an event announces. Its span is not open yet. */
export interface AnnouncedOperation {
  readonly name: string;
  readonly options: SpanOptions;
  /** Begins the operation on its span. On an error, ends the span and returns undefined. */
  begin(span: Span): AIOperation | undefined;
}

/** Reads the start event of a call. Returns undefined if the call is not an operation. */
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
      // Events do not say whether the stream has a reader. The response that is being sent may read it.
      else span.isAbandoned = () => operation.isStream && span.scope?.sendsBody !== true;
      return operation;
    },
  };
}

/** Returns the parameters of the call that its start event repeats. */
export function paramsOf(event: SdkEvent): Params {
  const { recordInputs, recordOutputs, functionId, provider, modelId } = event;
  // The SDK has already removed the runtime context that the caller did not include.
  const includeRuntimeContext = Object.keys(record(event["runtimeContext"]) ?? {});
  return {
    ...event,
    model: { provider, modelId },
    telemetry: { recordInputs, recordOutputs, functionId, includeRuntimeContext },
  };
}
