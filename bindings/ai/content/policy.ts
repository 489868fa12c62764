import type { ContentPlace, Settings } from "../options.ts";

/** The kinds of content to record for a call. */
export interface ContentPolicy {
  readonly inputMessages: boolean;
  readonly outputMessages: boolean;
  /** The prompt and the last answer of the call on its own span. */
  readonly agentInput: boolean;
  readonly agentOutput: boolean;
  readonly toolDefinitions: boolean;
  readonly toolArguments: boolean;
  readonly toolResults: boolean;
  /** Messages of errors. They may quote inputs and outputs. */
  readonly errorMessages: boolean;
  readonly inferenceEvents: boolean;
  readonly exceptionEvents: boolean;
  /** Where the content of model calls is recorded. */
  readonly contentOn: ContentPlace;
}

/** The policy of a call whose content is not recorded. */
export const noContent: ContentPolicy = {
  inputMessages: false,
  outputMessages: false,
  agentInput: false,
  agentOutput: false,
  toolDefinitions: false,
  toolArguments: false,
  toolResults: false,
  errorMessages: false,
  inferenceEvents: false,
  exceptionEvents: false,
  contentOn: "spans",
};

/**
 * Returns the content to record: what the settings enable and the caller's `recordInputs` and `recordOutputs` allow.
 */
export function contentPolicy(
  settings: Settings,
  telemetryOptions: Readonly<Record<string, unknown>> | undefined,
): ContentPolicy {
  const { storeMessages, storeAgentMessages, storeTools, recordErrors } = settings;
  const { inferenceEvents, exceptionEvents, contentOn } = settings;
  const storesContent = storeMessages || storeAgentMessages || storeTools || recordErrors;
  if (!storesContent && !inferenceEvents && !exceptionEvents) return noContent;
  const inputs = telemetryOptions?.["recordInputs"] !== false;
  const outputs = telemetryOptions?.["recordOutputs"] !== false;
  return {
    inputMessages: storeMessages && inputs,
    outputMessages: storeMessages && outputs,
    agentInput: storeAgentMessages && inputs,
    agentOutput: storeAgentMessages && outputs,
    toolDefinitions: storeTools && inputs,
    toolArguments: storeTools && inputs,
    toolResults: storeTools && outputs,
    errorMessages: recordErrors && inputs && outputs,
    inferenceEvents,
    exceptionEvents,
    contentOn,
  };
}
